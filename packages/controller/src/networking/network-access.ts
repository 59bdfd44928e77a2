import { network } from '@portward/model/network.ts';
import type { ShareAction } from '@portward/model/resource.ts';
import type { Caller } from '../caller.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { openings } from './shared-access.ts';

/** A network's row. `shared`: it is another project's, and the caller may use it for ports all the same. */
export type AccessibleNetwork = Database['networks'] & { readonly shared: boolean };

/** The network, if the caller may see it: its own, one that is shared with it, or an external one; else 404. */
export async function requireNetwork(db: Reader, id: string, caller: Caller): Promise<AccessibleNetwork> {
  const row = await db.selectFrom('networks').selectAll().where('id', '=', id).limit(1).executeTakeFirst();
  if (row === undefined) throw network.notFound(id);
  if (caller.isAdmin || row.project_id === caller.projectId) return { ...row, shared: false };
  const actions = await openings(db, id, caller);
  if (actions.size === 0) throw network.notFound(id);
  return { ...row, shared: actions.has('access_as_shared' satisfies ShareAction) };
}
