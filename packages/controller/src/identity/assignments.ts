import type { Reader } from '../store/store.ts';
import { expandRoles, loadRoles } from './token-standing.ts';
import type { Scope } from './tokens.ts';

/** What a role may be granted on. */
export interface Target {
  readonly type: 'project' | 'domain' | 'system';
  /** `all` for the system. */
  readonly id: string;
}

/** The whole system, as a target. */
export const SYSTEM_TARGET: Target = { type: 'system', id: 'all' };

/** The target that a scope stands for; undefined for none. */
export function targetOf(scope: Scope): Target | undefined {
  if (scope.type === 'none') return undefined;
  return scope.type === 'system' ? SYSTEM_TARGET : scope;
}

/** Ids of the roles that the user was granted on the target, without what they imply. */
export async function grantedRoleIds(db: Reader, userId: string, target: Target): Promise<string[]> {
  const rows = await db
    .selectFrom('role_assignments')
    .select('role_id')
    .where('user_id', '=', userId)
    .where('target_type', '=', target.type)
    .where('target_id', '=', target.id)
    .orderBy('role_id')
    .execute();
  return rows.map((row) => row.role_id);
}

/** The roles with all that they imply. */
export async function withImplied(db: Reader, roleIds: readonly string[]): Promise<{ id: string; name: string }[]> {
  const roles = new Map((await loadRoles(db)).map((role) => [role.id, role]));
  return expandRoles(roles, roleIds).map(({ id, name }) => ({ id, name }));
}
