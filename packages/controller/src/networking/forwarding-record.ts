import { floatingIp } from '@portward/model/floating-ip.ts';
import type { SelectQueryBuilder } from 'kysely';
import { among } from '../store/among.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Database } from '../store/schema.ts';
import type { Transaction } from '../store/store.ts';
import { updateObject } from './collection.ts';

type ForwardingSelect = SelectQueryBuilder<Database, 'port_forwardings', { id: string; floatingip_id: string }>;

/** Deletes the forwardings that `which` selects. A floating IP that loses its last one lets its router go. */
export async function deleteForwardings(
  tx: Transaction,
  which: (query: ForwardingSelect) => ForwardingSelect,
): Promise<void> {
  const rows = await which(tx.db.selectFrom('port_forwardings').select(['id', 'floatingip_id'])).execute();
  await forgetForwardings(tx, rows);
}

const deleteRows = compiledQuery((db, { ids }: { ids: string[] }) =>
  db.deleteFrom('port_forwardings').where(among('id', ids)),
);
const deleteStatuses = compiledQuery((db, { ids }: { ids: string[] }) =>
  db.deleteFrom('applied').where('kind', '=', 'port_forwarding').where(among('resource_id', ids)),
);

/** The same of forwardings that are at hand. */
export async function forgetForwardings(
  tx: Transaction,
  rows: readonly { id: string; floatingip_id: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.id);
  await deleteRows(tx.db, { ids });
  await deleteStatuses(tx.db, { ids });
  for (const id of ids) tx.deleted('port_forwarding', id);
  for (const floatingIpId of new Set(rows.map((row) => row.floatingip_id))) await releaseRouter(tx, floatingIpId);
}

const oneOf = compiledQuery((db, { floatingIpId }: { floatingIpId: string }) =>
  db.selectFrom('port_forwardings').select('id').where('floatingip_id', '=', floatingIpId).limit(1),
);

/** Without forwardings and without a port, a floating IP has no router, and nothing carries it out. */
async function releaseRouter(tx: Transaction, floatingIpId: string): Promise<void> {
  const [left] = await oneOf(tx.db, { floatingIpId });
  await updateObject(tx, floatingIp, floatingIpId, left === undefined ? { router_id: null, status: 'DOWN' } : {});
  tx.changed('floatingip', floatingIpId);
}
