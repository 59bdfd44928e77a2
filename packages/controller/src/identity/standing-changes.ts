import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { loadRoles, type StandingPatch } from './token-standing.ts';

type UserCondition = (users: ExpressionBuilder<Database, 'users'>) => Expression<SqlBool>;

/** Gathers, while a transaction changes users and roles, what it will mean for tokens. */
export class StandingChanges {
  readonly #db: Reader;
  readonly #users = new Set<string>();
  readonly #credentials = new Map<string, boolean>();
  readonly #revoked = new Map<string, number>();
  #roles = false;

  constructor(db: Reader) {
    this.#db = db;
  }

  /** A user was made or deleted. */
  userChanged(id: string): void {
    this.#users.add(id);
  }

  /** Voids the tokens that the users have now. */
  async voidTokens(which: UserCondition): Promise<void> {
    const rows = await this.#db
      .updateTable('users')
      .set((expression) => ({ generation: expression('generation', '+', 1) }))
      .where(which)
      .returning('id')
      .execute();
    for (const { id } of rows) this.#users.add(id);
  }

  /** Voids the tokens of everyone with a role on the project, the domain or the system. */
  async voidTokensOn(targetType: 'project' | 'domain' | 'system', targetIds: readonly string[]): Promise<void> {
    if (targetIds.length === 0) return;
    await this.voidTokens((users) =>
      users(
        'id',
        'in',
        users
          .selectFrom('role_assignments')
          .select('user_id')
          .where('target_type', '=', targetType)
          .where('target_id', 'in', targetIds),
      ),
    );
  }

  credential(id: string, exists: boolean): void {
    this.#credentials.set(id, exists);
  }

  /** `expiresAt`: milliseconds. */
  revoked(auditId: string, expiresAt: number): void {
    this.#revoked.set(auditId, expiresAt);
  }

  rolesChanged(): void {
    this.#roles = true;
  }

  /** What follows, as the transaction leaves the store. */
  async patch(): Promise<StandingPatch> {
    return {
      users: [...(await this.#generations())],
      credentials: [...this.#credentials],
      revoked: [...this.#revoked],
      ...(this.#roles && { roles: await loadRoles(this.#db) }),
    };
  }

  async #generations(): Promise<Map<string, number | null>> {
    const generations = new Map<string, number | null>();
    if (this.#users.size === 0) return generations;
    for (const id of this.#users) generations.set(id, null);
    const rows = await this.#db
      .selectFrom('users')
      .select(['id', 'generation'])
      .where('id', 'in', [...this.#users])
      .execute();
    for (const { id, generation } of rows) generations.set(id, generation);
    return generations;
  }
}
