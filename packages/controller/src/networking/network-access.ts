import { network } from '@portward/model/network.ts';
import type { Caller } from '../caller.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';

/** The network's row, if the caller may see it: its own, a shared or an external one; else 404. */
export async function requireNetwork(db: Reader, id: string, caller: Caller): Promise<Database['networks']> {
  const row = await db.selectFrom('networks').selectAll().where('id', '=', id).limit(1).executeTakeFirst();
  const visible = row && (caller.isAdmin || row.project_id === caller.projectId || row.shared || row.router_external);
  if (!visible) throw network.notFound(id);
  return row;
}
