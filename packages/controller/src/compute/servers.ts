import type { Server } from '@portward/model/server.ts';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { rememberDeleted } from './deleted-servers.ts';
import { conflicting, policyForbids, serverNotFound } from './errors.ts';
import type { ServerNetworking } from './networking-port.ts';

export type ServerRow = Database['servers'];

/** Servers as the feed carries them; ids that no longer exist are absent. */
export async function serverFeedObjects(db: Reader, ids: readonly string[]): Promise<Map<string, Server>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('servers')
    .select(['id', 'name', 'project_id', 'host', 'running', 'public_key', 'created_at'])
    .where(among('id', ids))
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** A server that the caller may see. Throws 404: what belongs to others does not exist. */
export async function requireServer(db: Reader, caller: Caller, id: string): Promise<ServerRow> {
  const row = await db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined || (!caller.isAdmin && row.project_id !== caller.projectId)) throw serverNotFound(id);
  return row;
}

/** Throws 403 unless the caller's role lets it change servers at all. */
export function requireWriter(caller: Caller, action: string): void {
  if (!caller.isAdmin && !(caller.roles.includes('member') && caller.projectId !== '')) throw policyForbids(action);
}

/** As `requireServer`, for a change: throws 403 of a caller that may only read, 409 of a server that is locked. */
export async function requireOwnServer(db: Reader, caller: Caller, id: string, action: string): Promise<ServerRow> {
  const row = await requireServer(db, caller, id);
  requireWriter(caller, action);
  if (row.locked && !caller.isAdmin) throw conflicting(`Instance ${id} is locked`);
  return row;
}

/** Changes columns of a server, and tells the feed. */
export async function updateServer(tx: Transaction, id: string, change: Partial<ServerRow>): Promise<void> {
  await tx.db
    .updateTable('servers')
    .set({ ...change, updated_at: tx.now })
    .where('id', '=', id)
    .execute();
  tx.changed('server', id);
}

/** Deletes a server: the ports that were made for it go with it, ports that were given to it become free. */
export async function deleteServer(tx: Transaction, networking: ServerNetworking, server: ServerRow): Promise<void> {
  const { id } = server;
  for (const port of (await networking.portsOf(tx.db, [id])).get(id) ?? []) {
    if (server.own_port_ids.includes(port.id)) await networking.deletePort(tx, port.id);
    else await networking.unbindPort(tx, port.id);
  }
  await tx.db.deleteFrom('tags').where('resource_id', '=', id).execute();
  await tx.db.deleteFrom('applied').where('kind', '=', 'server').where('resource_id', '=', id).execute();
  await tx.db.deleteFrom('servers').where('id', '=', id).execute();
  await rememberDeleted(tx, server);
  tx.deleted('server', id);
}
