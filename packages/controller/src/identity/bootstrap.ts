import { randomBytes } from 'node:crypto';
import type { Transaction } from '../store/store.ts';
import type { Identity } from './identity.ts';
import { newId } from './ids.ts';
import type { StandingChanges } from './standing-changes.ts';

/** The domain that everything is in unless said otherwise. */
export const DEFAULT_DOMAIN = 'default';

/** The roles that rules know, each with the one that comes with it. They can be neither renamed nor deleted. */
export const BUILT_IN_ROLES = ['admin', 'member', 'reader'] as const;

export interface BootstrapOptions {
  /** Password of `admin`; random unless given. */
  readonly adminPassword?: string;
  /** Whether to make project and user `demo` too. */
  readonly demo?: boolean;
  /**
   * Called inside the transaction with what is about to be made, to keep the passwords on disk before they count: what
   * a crash leaves behind is then either no user, or a user whose password is known. Must be synchronous.
   */
  readonly keep?: (made: BootstrapResult) => void;
}

/** What was made, with its password. Absent: it was there already, and nothing about it was changed. */
export interface BootstrapResult {
  readonly admin?: { readonly password: string };
  readonly demo?: { readonly password: string };
}

const PASSWORD_BYTES = 18;

/**
 * Makes domain `default`, the roles, project and user `admin`, and on demand project and user `demo` (role member): what
 * is there already stays as it is. One transaction; safe to run again, from several processes, and to kill.
 */
export async function bootstrap(identity: Identity, options: BootstrapOptions): Promise<BootstrapResult> {
  const wanted = await identity.store.read((db) => missing({ db }, options));
  if (!wanted.admin && !wanted.demo) return {};
  const password = options.adminPassword ?? randomPassword();
  const admin = { password, hash: wanted.admin ? await identity.passwords.hash(password) : '' };
  const demoPassword = randomPassword();
  const demo = { password: demoPassword, hash: wanted.demo ? await identity.passwords.hash(demoPassword) : '' };
  return identity.change(async (tx, standing) => {
    const still = await missing(tx, options);
    if (still.admin) await makeFoundation(tx, standing, admin.hash);
    if (still.demo) await makeDemo(tx, standing, demo.hash);
    const made = {
      ...(still.admin && { admin: { password: admin.password } }),
      ...(still.demo && { demo: { password: demo.password } }),
    };
    if (still.admin || still.demo) options.keep?.(made);
    return made;
  });
}

const randomPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');

async function missing(
  { db }: Pick<Transaction, 'db'>,
  { demo }: BootstrapOptions,
): Promise<{ admin: boolean; demo: boolean }> {
  const domain = await db.selectFrom('domains').select('id').where('id', '=', DEFAULT_DOMAIN).executeTakeFirst();
  if (domain === undefined) return { admin: true, demo: demo === true };
  if (demo !== true) return { admin: false, demo: false };
  const named = (table: 'users' | 'projects') =>
    db
      .selectFrom(table)
      .select('id')
      .where('domain_id', '=', DEFAULT_DOMAIN)
      .where('name', '=', 'demo')
      .executeTakeFirst();
  return { admin: false, demo: (await named('users')) === undefined && (await named('projects')) === undefined };
}

async function makeFoundation({ db }: Transaction, standing: StandingChanges, hash: string): Promise<void> {
  await db
    .insertInto('domains')
    .values({ id: DEFAULT_DOMAIN, name: 'Default', description: 'The default domain', enabled: true })
    .execute();
  let implied: string | undefined;
  for (const name of BUILT_IN_ROLES.toReversed()) {
    const id = newId();
    await db
      .insertInto('roles')
      .values({ id, name, domain_id: null, description: '', implies: implied === undefined ? [] : [implied] })
      .execute();
    implied = id;
  }
  standing.rolesChanged();
  const admin = await makeUserWithProject(db, standing, 'admin', 'admin', hash);
  // Role on the system too: what Keystone's own bootstrap grants, so that `--os-system-scope all` works.
  await db
    .insertInto('role_assignments')
    .values({ ...admin, target_type: 'system', target_id: 'all' })
    .execute();
}

async function makeDemo({ db }: Transaction, standing: StandingChanges, hash: string): Promise<void> {
  await makeUserWithProject(db, standing, 'demo', 'member', hash);
}

async function makeUserWithProject(
  db: Transaction['db'],
  standing: StandingChanges,
  name: string,
  roleName: (typeof BUILT_IN_ROLES)[number],
  hash: string,
): Promise<{ user_id: string; role_id: string }> {
  const [userId, projectId] = [newId(), newId()];
  const role = await db.selectFrom('roles').select('id').where('name', '=', roleName).executeTakeFirstOrThrow();
  await db
    .insertInto('projects')
    .values({
      id: projectId,
      name,
      domain_id: DEFAULT_DOMAIN,
      description: '',
      enabled: true,
      parent_id: DEFAULT_DOMAIN,
      is_domain: false,
    })
    .execute();
  await db
    .insertInto('users')
    .values({
      id: userId,
      name,
      domain_id: DEFAULT_DOMAIN,
      enabled: true,
      default_project_id: projectId,
      email: null,
      description: '',
      password_hash: hash,
      generation: 1,
    })
    .execute();
  standing.userChanged(userId);
  const grant = { user_id: userId, role_id: role.id };
  await db
    .insertInto('role_assignments')
    .values({ ...grant, target_type: 'project', target_id: projectId })
    .execute();
  return grant;
}
