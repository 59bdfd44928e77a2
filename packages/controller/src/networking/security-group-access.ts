import { securityGroup } from '@portward/model/security-group.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { updateObject } from './collection.ts';
import type { Context } from './rules.ts';
import { requireVisible } from './shared-access.ts';

/** Throws 404 for a group that the caller may not see: its own are seen, and those that are shared with it. */
export async function requireGroups(db: Reader, ids: readonly string[], { caller }: Context): Promise<void> {
  await requireVisible(db, securityGroup, ids, caller);
}

/** A rule of the group came or went: its revision grows with it. */
export async function touchGroup(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, securityGroup, id, {});
}
