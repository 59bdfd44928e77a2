import type { Caller } from '../caller.ts';
import type { Store, Transaction } from '../store/store.ts';
import { type BootstrapOptions, type BootstrapResult, bootstrap } from './bootstrap.ts';
import { type HashCost, Passwords } from './passwords.ts';
import { SigningKeys } from './signing-keys.ts';
import { StandingChanges } from './standing-changes.ts';
import { StandingFollower } from './standing-follower.ts';
import type { KnownRole, TokenStanding } from './token-standing.ts';
import { type Claims, decodeToken, encodeToken, type Scope } from './tokens.ts';

/** A caller and the token that says who it is. */
export interface TokenCaller extends Caller {
  readonly scope: Scope;
  readonly claims: Claims;
  /** Roles with their ids, implied ones included. */
  readonly grantedRoles: readonly KnownRole[];
}

export interface IdentityOptions {
  /** Seconds that a token lives. */
  readonly tokenLife: number;
  readonly now?: () => Date;
  /** What hashing a password costs; tests take less. */
  readonly hashCost?: HashCost;
}

/** Tokens whose claims are kept at most: some megabytes. */
const MOST_KNOWN = 4096;

/** Who there is, and what their tokens are worth: the embedded identity service. */
export class Identity {
  readonly store: Store;
  readonly passwords: Passwords;
  /** Seconds that a token lives. */
  readonly tokenLife: number;
  readonly now: () => Date;
  readonly #keys: SigningKeys;
  /** Claims of tokens whose signature was found good, oldest first. */
  readonly #known = new Map<string, Claims>();
  readonly #follower: StandingFollower;

  /** Loads the signing keys (the first start makes one) and all that decides whether a token stands. */
  static async open(store: Store, options: IdentityOptions): Promise<Identity> {
    const now = options.now ?? (() => new Date());
    // In this order no change of the keys is missed.
    const follower = await StandingFollower.open(store);
    const keys = await SigningKeys.open(store, options.tokenLife * 1000, now);
    follower.onKeysChanged(() => keys.reload());
    return new Identity(store, options, now, keys, follower);
  }

  private constructor(
    store: Store,
    options: IdentityOptions,
    now: () => Date,
    keys: SigningKeys,
    follower: StandingFollower,
  ) {
    this.store = store;
    this.tokenLife = options.tokenLife;
    this.now = now;
    this.passwords = new Passwords(options.hashCost);
    this.#keys = keys;
    this.#follower = follower;
  }

  get #standing(): TokenStanding {
    return this.#follower.standing;
  }

  /** Stops following the store. */
  close(): void {
    this.#follower.close();
  }

  /**
   * Who holds the token, or undefined when it is not one of ours, has expired or no longer stands. Reads no store:
   * signature, time and the table in memory decide.
   */
  authenticate(token: string): TokenCaller | undefined {
    const claims = this.#claimsOf(token);
    if (claims === undefined || claims.expiresAt * 1000 <= this.now().getTime()) return undefined;
    if (!this.#standing.holds(claims)) return undefined;
    const grantedRoles = this.#standing.expand(claims.roleIds);
    const roles = grantedRoles.map((role) => role.name);
    return {
      userId: claims.userId,
      projectId: claims.scope.type === 'project' ? claims.scope.id : '',
      roles,
      isAdmin: roles.includes('admin'),
      scope: claims.scope,
      claims,
      grantedRoles,
    };
  }

  /**
   * What a token of ours says, whether or not it still stands. The signature is checked when it is seen first; it counts
   * as long as its key is there.
   */
  #claimsOf(token: string): Claims | undefined {
    const known = this.#known.get(token);
    if (known !== undefined && this.#keys.holds(token.slice(0, token.indexOf('.')))) return known;
    const claims = decodeToken(token, this.#keys);
    if (claims === undefined) return undefined;
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(token, claims);
    return claims;
  }

  /** Signs a token. */
  async issue(claims: Claims): Promise<string> {
    await this.#keys.rotateWhenDue();
    return encodeToken(claims, this.#keys);
  }

  /** Lets a new key sign from now on; tokens signed before stay good. */
  async rotateSigningKey(): Promise<void> {
    await this.#keys.rotate();
  }

  /** Runs a change of users, roles and the like, and lets tokens feel it, on every controller, as soon as it is durable. */
  async change<T>(work: (tx: Transaction, standing: StandingChanges) => Promise<T>): Promise<T> {
    const value = await this.store.write(async (tx) => {
      const changes = new StandingChanges(tx.db);
      const result = await work(tx, changes);
      tx.tellIdentity(await changes.patch());
      return result;
    });
    await this.#follower.catchUp();
    return value;
  }

  /** Voids one token, for good. */
  async revoke(claims: Claims): Promise<void> {
    const now = this.now();
    await this.change(async ({ db }, standing) => {
      const auditId = claims.auditIds[0] as string;
      const expiresAt = new Date(claims.expiresAt * 1000);
      await db.deleteFrom('revocations').where('expires_at', '<=', now.toISOString()).execute();
      await db
        .insertInto('revocations')
        .values({ audit_id: auditId, expires_at: expiresAt.toISOString() })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      standing.revoked(auditId, expiresAt.getTime());
    });
    this.#standing.forgetExpired(now.getTime());
  }

  /** Makes what every cloud begins with; see `bootstrap`. */
  bootstrap(options: BootstrapOptions = {}): Promise<BootstrapResult> {
    return bootstrap(this, options);
  }
}
