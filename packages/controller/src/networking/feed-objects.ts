import type { FeedKind } from '@portward/model/feed.ts';
import { among } from '../store/among.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Reader } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';

/** Tables whose rows are the feed's objects as they stand, by kind. */
const PLAIN_TABLES = {
  network: 'networks',
  subnet: 'subnets',
  router: 'routers',
  floatingip: 'floatingips',
  port_forwarding: 'port_forwardings',
  address_group: 'address_groups',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
} as const;

const rowsOf = (table: string) =>
  compiledQuery((db, { ids }: { ids: string[] }) =>
    db
      .selectFrom(table as 'networks')
      .selectAll()
      .where(among('id', ids)),
  );

const plainRows = Object.fromEntries(
  Object.entries(PLAIN_TABLES).map(([kind, table]) => [kind, rowsOf(table)]),
) as Record<keyof typeof PLAIN_TABLES, ReturnType<typeof rowsOf>>;
const portRows = compiledQuery((db, { ids }: { ids: string[] }) =>
  db.selectFrom('ports').selectAll().where(among('id', ids)),
);

/** Columns whose names stand for attributes with a colon. */
const RENAMED: Record<string, string> = {
  router_external: 'router:external',
  provider_network_type: 'provider:network_type',
  provider_physical_network: 'provider:physical_network',
  provider_segmentation_id: 'provider:segmentation_id',
  binding_host_id: 'binding:host_id',
};

/** Columns of ports that the data plane has no use for. */
const UNUSED_PORT_COLUMNS = [
  'binding_profile',
  'binding_vif_details',
  'binding_vif_type',
  'binding_vnic_type',
  'status',
];

/** Loads networking objects as the feed carries them. */
export async function loadNetworkingFeed(
  db: Reader,
  kind: Exclude<FeedKind, 'server'>,
  ids: string[],
): Promise<Map<string, Record<string, unknown>>> {
  if (kind === 'port') return loadPorts(db, ids);
  const rows = await plainRows[kind](db, { ids });
  return new Map(rows.map((row) => [row.id, renamed(row)]));
}

async function loadPorts(db: Reader, ids: string[]): Promise<Map<string, Record<string, unknown>>> {
  const rows = await portRows(db, { ids });
  const addresses = await loadAddresses(db, ids);
  const groups = await db
    .selectFrom('port_security_groups')
    .selectAll()
    .where(among('port_id', ids))
    .orderBy('position')
    .execute();
  const groupsOf = Map.groupBy(groups, (item) => item.port_id);
  const objects = new Map<string, Record<string, unknown>>();
  for (const row of rows) {
    const object = renamed(row);
    for (const column of UNUSED_PORT_COLUMNS) delete object[column];
    object.fixed_ips = addresses.get(row.id) ?? [];
    object.security_groups = (groupsOf.get(row.id) ?? []).map((item) => item.security_group_id);
    objects.set(row.id, object);
  }
  return objects;
}

function renamed(row: Record<string, unknown>): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) object[RENAMED[column] ?? column] = value;
  return object;
}
