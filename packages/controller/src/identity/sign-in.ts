import { timingSafeEqual } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import type { Reader } from '../store/store.ts';
import { secretHash } from './application-credentials.ts';
import { grantedRoleIds, type Target, targetOf, withImplied } from './assignments.ts';
import { expecting, malformed, unauthorized } from './errors.ts';
import type { Identity, TokenCaller } from './identity.ts';
import {
  type DomainReference,
  domainOf,
  type Reference,
  readSignIn,
  referenceOf,
  type SignInBody,
  type WantedScope,
} from './sign-in-body.ts';
import { type Claims, newAuditId, type Scope } from './tokens.ts';

/** A user that showed who it is, and what bounds the token that it gets. */
interface Proof {
  readonly userId: string;
  /** Generation of the user that the proof was checked against: what changes the user meanwhile voids the proof. */
  readonly generation: number;
  readonly methods: readonly string[];
  /** Token that this one is made from. */
  readonly parent?: TokenCaller;
  /** Seconds since 1970. */
  readonly latestExpiry?: number;
  /** Application credential, which brings project and roles. */
  readonly credential?: { readonly id: string; readonly projectId: string; readonly roleIds: readonly string[] };
}

/**
 * `POST /v3/auth/tokens`: checks every method that the body names and answers the claims of a new token.
 * Throws 400 of a malformed body, and one and the same 401 for all that is wrong with user, secret, project or role.
 */
export async function signIn(identity: Identity, body: unknown): Promise<Claims> {
  const asked = readSignIn(body);
  const proofs: Proof[] = [];
  for (const method of asked.identity.methods) proofs.push(await prove(identity, method, asked.identity));
  const first = proofs[0];
  if (first === undefined) throw unauthorized();
  if (proofs.some((proof) => proof.userId !== first.userId || proof.generation !== first.generation)) {
    throw unauthorized();
  }
  const methods = new Set(proofs.flatMap((one) => one.methods));
  const proof: Proof = Object.assign({}, ...proofs, { methods: [...methods] });
  return identity.store.read((db) => claimsFor(db, identity, proof, asked.scope));
}

function prove(identity: Identity, method: string, given: SignInBody['identity']): Promise<Proof> | Proof {
  switch (method) {
    case 'password':
      if (given.password === undefined) throw expecting('password', 'identity');
      return provePassword(identity, given.password.user);
    case 'token':
      if (given.token === undefined) throw expecting('token', 'identity');
      return proveToken(identity, given.token.id);
    case 'application_credential':
      if (given.application_credential === undefined) throw expecting('application_credential', 'identity');
      return proveCredential(identity, given.application_credential);
    default:
      throw new ApiError(401, 'AuthMethodNotSupported', 'Attempted to authenticate with an unsupported method.');
  }
}

type PasswordUser = NonNullable<SignInBody['identity']['password']>['user'];

async function provePassword(identity: Identity, given: PasswordUser): Promise<Proof> {
  const reference = referenceOf(given, 'user');
  const user = await identity.store.read((db) => findUser(db, reference));
  const right = await identity.passwords.verify(given.password, user?.password_hash ?? null);
  if (user === undefined || !right) throw unauthorized();
  return { userId: user.id, generation: user.generation, methods: ['password'] };
}

function proveToken(identity: Identity, token: string): Proof {
  const parent = identity.authenticate(token);
  if (parent === undefined) throw unauthorized();
  const { userId, claims } = parent;
  const { generation, methods, expiresAt } = claims;
  return { userId, generation, methods: ['token', ...methods], parent, latestExpiry: expiresAt };
}

type GivenCredential = NonNullable<SignInBody['identity']['application_credential']>;

async function proveCredential(identity: Identity, given: GivenCredential): Promise<Proof> {
  const { id, name } = given;
  if (id === undefined && name === undefined) throw expecting('id or name', 'application_credential');
  if (id === undefined && given.user === undefined) throw expecting('user', 'application_credential');
  const owner = given.user === undefined ? undefined : referenceOf(given.user, 'user');
  const row = await identity.store.read(async (db) => {
    const query = db
      .selectFrom('application_credentials')
      .innerJoin('users', 'users.id', 'application_credentials.user_id')
      .selectAll('application_credentials')
      .select('users.generation');
    if (id !== undefined) return query.where('application_credentials.id', '=', id).executeTakeFirst();
    const user = await findUser(db, owner as Reference);
    if (user === undefined) return undefined;
    return query
      .where('application_credentials.user_id', '=', user.id)
      .where('application_credentials.name', '=', name as string)
      .executeTakeFirst();
  });
  const hash = Buffer.from(secretHash(given.secret));
  if (row === undefined || !timingSafeEqual(hash, Buffer.from(row.secret_hash))) throw unauthorized();
  const latestExpiry = row.expires_at === null ? undefined : Math.floor(Date.parse(row.expires_at) / 1000);
  return {
    userId: row.user_id,
    generation: row.generation,
    methods: ['application_credential'],
    ...(latestExpiry !== undefined && { latestExpiry }),
    credential: { id: row.id, projectId: row.project_id, roleIds: row.role_ids },
  };
}

async function claimsFor(db: Reader, identity: Identity, proof: Proof, asked: SignInBody['scope']): Promise<Claims> {
  const user = await db
    .selectFrom('users')
    .innerJoin('domains', 'domains.id', 'users.domain_id')
    .select(['users.id', 'users.generation', 'users.default_project_id'])
    .where('users.id', '=', proof.userId)
    .where('users.enabled', '=', true)
    .where('domains.enabled', '=', true)
    .executeTakeFirst();
  if (user === undefined || proof.generation !== user.generation) throw unauthorized();
  const { scope, roleIds, credentialId } = await scopeFor(db, proof, user.default_project_id, asked);
  const issuedAt = Math.floor(identity.now().getTime() / 1000);
  const expiresAt = Math.min(
    proof.parent?.claims.expiresAt ?? issuedAt + identity.tokenLife,
    proof.latestExpiry ?? Infinity,
  );
  if (expiresAt <= issuedAt) throw unauthorized();
  const parentId = proof.parent?.claims.auditIds[0];
  return {
    userId: user.id,
    generation: user.generation,
    scope,
    roleIds,
    methods: proof.methods,
    auditIds: parentId === undefined ? [newAuditId()] : [newAuditId(), parentId],
    issuedAt,
    expiresAt,
    ...(credentialId !== undefined && { credentialId }),
  };
}

interface Granted {
  readonly scope: Scope;
  readonly roleIds: readonly string[];
  readonly credentialId?: string;
}

async function scopeFor(
  db: Reader,
  proof: Proof,
  defaultProjectId: string | null,
  asked: SignInBody['scope'],
): Promise<Granted> {
  if (proof.credential !== undefined) {
    if (asked !== undefined) throw unauthorized();
    return credentialScope(db, proof.userId, proof.credential);
  }
  if (proof.parent?.claims.credentialId !== undefined) return sameScope(db, proof.parent, asked);
  if (asked === 'unscoped' || (asked !== undefined && Object.hasOwn(asked, 'unscoped'))) return UNSCOPED;
  if (asked === undefined) return defaultScope(db, proof.userId, defaultProjectId);
  const scope = await findScope(db, asked);
  const granted = scope && (await grantedIn(db, proof.userId, scope));
  if (granted === undefined) throw unauthorized();
  return granted;
}

const UNSCOPED: Granted = { scope: { type: 'none' }, roleIds: [] };

/** Without a wish: the user's default project if there is one that is of use, else none. */
async function defaultScope(db: Reader, userId: string, projectId: string | null): Promise<Granted> {
  const scope = projectId === null ? undefined : await enabledProject(db, { id: projectId });
  return (scope && (await grantedIn(db, userId, scope))) ?? UNSCOPED;
}

/** The roles in a scope, or undefined when there are none. */
async function grantedIn(db: Reader, userId: string, scope: Scope): Promise<Granted | undefined> {
  const roleIds = await grantedRoleIds(db, userId, targetOf(scope) as Target);
  return roleIds.length === 0 ? undefined : { scope, roleIds };
}

/** An application credential's own project, with those of its roles that its owner still has. */
async function credentialScope(
  db: Reader,
  userId: string,
  credential: NonNullable<Proof['credential']>,
): Promise<Granted> {
  const scope = await enabledProject(db, { id: credential.projectId });
  if (scope === undefined) throw unauthorized();
  const held = await withImplied(db, await grantedRoleIds(db, userId, { type: 'project', id: credential.projectId }));
  const roleIds = credential.roleIds.filter((id) => held.some((role) => role.id === id));
  if (roleIds.length === 0) throw unauthorized();
  return { scope, roleIds, credentialId: credential.id };
}

/** A token of an application credential makes only tokens of the same project and roles. */
async function sameScope(db: Reader, parent: TokenCaller, asked: SignInBody['scope']): Promise<Granted> {
  const wanted = asked === undefined ? parent.scope : asked === 'unscoped' ? undefined : await findScope(db, asked);
  const own = parent.scope;
  if (wanted?.type !== 'project' || own.type !== 'project' || wanted.id !== own.id) throw unauthorized();
  const { roleIds, credentialId } = parent.claims;
  return { scope: own, roleIds, ...(credentialId !== undefined && { credentialId }) };
}

/** The scope that a body names, if it exists and is enabled. Throws 400 when it names none, or several. */
async function findScope(db: Reader, asked: WantedScope): Promise<Scope | undefined> {
  const named = [asked.project, asked.domain, asked.system].filter((item) => item !== undefined);
  if (named.length !== 1) throw malformed('Expecting to find exactly one of project, domain or system in scope.');
  if (asked.project !== undefined) return enabledProject(db, referenceOf(asked.project, 'project'));
  if (asked.system !== undefined) return { type: 'system' };
  const domain = await findDomain(db, domainOf(asked.domain ?? {}, 'domain'));
  return domain?.enabled === true ? { type: 'domain', id: domain.id } : undefined;
}

const findDomain = (db: Reader, reference: DomainReference) =>
  db
    .selectFrom('domains')
    .select(['id', 'enabled'])
    .where((domains) => ('id' in reference ? domains('id', '=', reference.id) : domains('name', '=', reference.name)))
    .executeTakeFirst();

async function enabledProject(db: Reader, reference: Reference): Promise<Scope | undefined> {
  const query = db
    .selectFrom('projects')
    .innerJoin('domains', 'domains.id', 'projects.domain_id')
    .select('projects.id')
    .where('projects.enabled', '=', true)
    .where('domains.enabled', '=', true);
  if ('id' in reference) {
    const row = await query.where('projects.id', '=', reference.id).executeTakeFirst();
    return row && { type: 'project', id: row.id };
  }
  const domain = await findDomain(db, reference.domain);
  if (domain === undefined) return undefined;
  const row = await query
    .where('projects.name', '=', reference.name)
    .where('projects.domain_id', '=', domain.id)
    .executeTakeFirst();
  return row && { type: 'project', id: row.id };
}

async function findUser(db: Reader, reference: Reference) {
  const query = db.selectFrom('users').select(['id', 'password_hash', 'generation']);
  if ('id' in reference) return query.where('id', '=', reference.id).executeTakeFirst();
  const domain = await findDomain(db, reference.domain);
  if (domain === undefined) return undefined;
  return query.where('name', '=', reference.name).where('domain_id', '=', domain.id).executeTakeFirst();
}
