import type { Reader, Transaction } from '../store/store.ts';
import type { Target } from './assignments.ts';
import { requireDomain } from './domains.ts';
import { couldNotFind } from './errors.ts';
import { requireProject } from './projects.ts';
import { requireRole } from './roles.ts';
import type { StandingChanges } from './standing-changes.ts';
import { requireUser } from './users.ts';

/** Throws 404 unless user and target exist. */
export async function requireParties(db: Reader, userId: string, target: Target): Promise<void> {
  if (target.type === 'project') await requireProject(db, target.id);
  if (target.type === 'domain') await requireDomain(db, target.id);
  await requireUser(db, userId);
}

/** Gives the user the role on the target; nothing happens if it has it. Throws 404. */
export async function grant({ db }: Transaction, userId: string, roleId: string, target: Target): Promise<void> {
  await requireRole(db, roleId);
  await requireParties(db, userId, target);
  await db
    .insertInto('role_assignments')
    .values({ role_id: roleId, user_id: userId, target_type: target.type, target_id: target.id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Throws 404 unless the user has the role on the target itself (not implied). */
export async function requireGrant(db: Reader, userId: string, roleId: string, target: Target): Promise<void> {
  await requireRole(db, roleId);
  await requireParties(db, userId, target);
  const row = await db
    .selectFrom('role_assignments')
    .select('role_id')
    .where('user_id', '=', userId)
    .where('role_id', '=', roleId)
    .where('target_type', '=', target.type)
    .where('target_id', '=', target.id)
    .executeTakeFirst();
  if (row === undefined) {
    throw couldNotFind(
      'role assignment with role',
      `${roleId}, user or group: ${userId}, project, domain, or system: ${target.type === 'system' ? 'system' : target.id}`,
    );
  }
}

/**
 * Takes the role away. The user's tokens are void from now on, and its application credentials for that project go, as
 * with Keystone: they could hold what their owner no longer has. Throws 404.
 */
export async function revokeGrant(
  { db }: Transaction,
  standing: StandingChanges,
  userId: string,
  roleId: string,
  target: Target,
): Promise<void> {
  await requireGrant(db, userId, roleId, target);
  await db
    .deleteFrom('role_assignments')
    .where('user_id', '=', userId)
    .where('role_id', '=', roleId)
    .where('target_type', '=', target.type)
    .where('target_id', '=', target.id)
    .execute();
  await standing.voidTokens((users) => users('id', '=', userId));
  if (target.type !== 'project') return;
  const credentials = await db
    .deleteFrom('application_credentials')
    .where('user_id', '=', userId)
    .where('project_id', '=', target.id)
    .returning('id')
    .execute();
  for (const { id } of credentials) standing.credential(id, false);
}
