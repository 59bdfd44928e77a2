import { securityGroup } from '@portward/model/security-group.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { updateObject } from './collection.ts';
import type { Context } from './rules.ts';

/** Throws 404 for a group that the caller may not see. */
export async function requireGroups(db: Reader, ids: readonly string[], { caller }: Context): Promise<void> {
  for (const id of ids) {
    const row = await db
      .selectFrom('security_groups')
      .select('project_id')
      .where('id', '=', id)
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || (!caller.isAdmin && row.project_id !== caller.projectId)) throw securityGroup.notFound(id);
  }
}

/** A rule of the group came or went: its revision grows with it. */
export async function touchGroup(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, securityGroup, id, {});
}
