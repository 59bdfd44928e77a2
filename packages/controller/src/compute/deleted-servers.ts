import type { Caller } from '../caller.ts';
import { type Reader, type Transaction, utcSeconds } from '../store/store.ts';
import type { ServerRow } from './servers.ts';

/** How long a deleted server is remembered, in milliseconds. */
const REMEMBERED = 24 * 3_600_000;

/**
 * Remembers where in lists a server was that is being deleted: clients go on from there, as Nova lets them. Horizon
 * does so after each deletion.
 */
export async function rememberDeleted({ db, now }: Transaction, server: ServerRow): Promise<void> {
  const forgotten = utcSeconds(new Date(Date.parse(now) - REMEMBERED));
  await db.deleteFrom('deleted_servers').where('deleted_at', '<', forgotten).execute();
  await db
    .insertInto('deleted_servers')
    .values({
      id: server.id,
      project_id: server.project_id,
      deleted_at: now,
      server: { ...server, user_data: null, public_key: null, metadata: {} },
    })
    .execute();
}

/** The server that a list shall go on after, if it was deleted lately and the caller could see it. */
export async function findDeleted(db: Reader, caller: Caller, id: string): Promise<ServerRow | undefined> {
  const found = await db.selectFrom('deleted_servers').selectAll().where('id', '=', id).executeTakeFirst();
  return found !== undefined && (caller.isAdmin || found.project_id === caller.projectId) ? found.server : undefined;
}
