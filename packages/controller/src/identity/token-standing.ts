import type { Reader } from '../store/store.ts';
import type { Claims } from './tokens.ts';

/** A role as tokens need it. */
export interface KnownRole {
  readonly id: string;
  readonly name: string;
  /** Ids of the roles that come with it. */
  readonly implies: readonly string[];
}

/** What a committed transaction means for tokens, as the feed carries it to every controller. */
export type StandingPatch = {
  /** User and generation; null: the user is gone. */
  readonly users?: readonly (readonly [id: string, generation: number | null])[];
  /** Application credential, and whether it exists. */
  readonly credentials?: readonly (readonly [id: string, exists: boolean])[];
  /** Audit id and expiry, milliseconds. */
  readonly revoked?: readonly (readonly [auditId: string, expiresAt: number])[];
  /** All roles. */
  readonly roles?: readonly KnownRole[];
  /** Whether the signing keys are others now. */
  readonly keys?: boolean;
};

/**
 * All that decides, beside signature and time, whether a token still stands, in memory: reading the store for every
 * request would cost more than the request.
 */
export class TokenStanding {
  readonly #generations = new Map<string, number>();
  readonly #credentials = new Set<string>();
  readonly #revoked = new Map<string, number>();
  #roles: ReadonlyMap<string, KnownRole> = new Map();

  /** Reads the whole table. */
  static async load(db: Reader): Promise<TokenStanding> {
    const standing = new TokenStanding();
    const users = await db.selectFrom('users').select(['id', 'generation']).execute();
    const credentials = await db.selectFrom('application_credentials').select('id').execute();
    const revocations = await db.selectFrom('revocations').selectAll().execute();
    standing.apply({
      users: users.map((row) => [row.id, row.generation]),
      credentials: credentials.map((row) => [row.id, true]),
      revoked: revocations.map((row) => [row.audit_id, Date.parse(row.expires_at)]),
      roles: await loadRoles(db),
    });
    return standing;
  }

  apply({ users, credentials, revoked, roles }: StandingPatch): void {
    for (const [id, generation] of users ?? []) {
      if (generation === null) this.#generations.delete(id);
      else this.#generations.set(id, generation);
    }
    for (const [id, exists] of credentials ?? []) {
      if (exists) this.#credentials.add(id);
      else this.#credentials.delete(id);
    }
    for (const [auditId, expiresAt] of revoked ?? []) this.#revoked.set(auditId, expiresAt);
    if (roles !== undefined) this.#roles = new Map(roles.map((role) => [role.id, role]));
  }

  /** Whether user, application credential and revocations still let the token stand. */
  holds(claims: Claims): boolean {
    return (
      this.#generations.get(claims.userId) === claims.generation &&
      !this.#revoked.has(claims.auditIds[0] as string) &&
      (claims.credentialId === undefined || this.#credentials.has(claims.credentialId))
    );
  }

  /** Forgets revocations of tokens that have expired by `now` (milliseconds) anyway. */
  forgetExpired(now: number): void {
    for (const [auditId, expiresAt] of this.#revoked) if (expiresAt <= now) this.#revoked.delete(auditId);
  }

  /** The roles and all that they imply, in that order. Unknown ids are left out. */
  expand(roleIds: readonly string[]): KnownRole[] {
    return expandRoles(this.#roles, roleIds);
  }
}

/** Every role with what it implies. */
export const loadRoles = (db: Reader): Promise<KnownRole[]> =>
  db.selectFrom('roles').select(['id', 'name', 'implies']).orderBy('name').execute();

/** The roles and all that they imply, transitively, each once. */
export function expandRoles(roles: ReadonlyMap<string, KnownRole>, roleIds: readonly string[]): KnownRole[] {
  const found = new Map<string, KnownRole>();
  const queue = [...roleIds];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const role = roles.get(id);
    if (role === undefined || found.has(id)) continue;
    found.set(id, role);
    queue.push(...role.implies);
  }
  return [...found.values()];
}
