import { invalidInput } from '@portward/model/api-error.ts';
import { network } from '@portward/model/network.ts';
import { DEVICE_OWNER } from '@portward/model/port.ts';
import { sql } from 'kysely';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { insertObject, updateObject } from './collection.ts';
import { externalNetworkInUse, flatNetworkInUse, networkInUse, sharedNetworkInUse } from './errors.ts';
import { deleteFloatingIp } from './floating-ip.ts';
import { deletePort } from './port-record.ts';
import type { Rules } from './rules.ts';
import { scheduleNetwork } from './scheduling.ts';
import { ensureDefaultGroup } from './security-group.ts';
import { loadTags, removeTags } from './tags.ts';

/** Owners of ports that go with their network without a word. */
const OWN_PORTS: string[] = [DEVICE_OWNER.dhcp];

/** Rules of networks: everyone sees shared and external ones; admins say what they are on the hosts. */
export const networkRules: Rules<typeof network> = {
  definition: network,

  visible: (query, { caller }) =>
    caller.isAdmin
      ? query
      : query.where(
          sql<boolean>`(networks.project_id = ${caller.projectId} or networks.shared or networks.router_external)`,
        ),

  async load(db, rows) {
    const ids = rows.map((row) => row.id);
    const [subnets, tags] = [await subnetIds(db, ids), await loadTags(db, ids)];
    return rows.map(
      ({ router_external, provider_network_type, provider_physical_network, provider_segmentation_id, ...row }) => ({
        ...row,
        'router:external': router_external,
        'provider:network_type': provider_network_type,
        'provider:physical_network': provider_physical_network,
        'provider:segmentation_id': provider_segmentation_id,
        subnets: subnets.get(row.id) ?? [],
        availability_zones: row.agent_host === null ? [] : ['nova'],
        ipv4_address_scope: null,
        ipv6_address_scope: null,
        l2_adjacency: true,
        tags: tags.get(row.id) ?? [],
      }),
    );
  },

  async create(tx, values) {
    await ensureDefaultGroup(tx, values.project_id);
    const physical = values['provider:physical_network'] ?? null;
    const type = values['provider:network_type'] ?? (physical === null ? 'local' : 'flat');
    if (type === 'flat') {
      if (physical === null) throw invalidInput('physical_network required for flat provider network');
      const taken = await tx.db
        .selectFrom('networks')
        .select('id')
        .where('provider_physical_network', '=', physical)
        .limit(1)
        .executeTakeFirst();
      if (taken !== undefined) throw flatNetworkInUse(physical);
    } else if (physical !== null) {
      throw invalidInput(`provider:physical_network specified for ${type} network`);
    }
    if ((values['provider:segmentation_id'] ?? null) !== null) {
      throw invalidInput(`provider:segmentation_id specified for ${type} network`);
    }
    const id = await insertObject(tx, network, {
      ...values,
      'provider:network_type': type,
      status: 'ACTIVE',
      agent_host: null,
    });
    await scheduleNetwork(tx, id);
    tx.changed('network', id);
    return id;
  },

  async update(tx, current, values) {
    if (values['router:external'] === false && current['router:external']) {
      const gateway = await tx.db
        .selectFrom('ports')
        .select('id')
        .where('network_id', '=', current.id)
        .where('device_owner', 'in', [DEVICE_OWNER.routerGateway, DEVICE_OWNER.floatingIp])
        .limit(1)
        .executeTakeFirst();
      if (gateway !== undefined) throw externalNetworkInUse(current.name);
    }
    if (values.shared === false && current.shared) {
      const foreign = await tx.db
        .selectFrom('ports')
        .select('id')
        .where('network_id', '=', current.id)
        .where('project_id', 'not in', ['', current.project_id])
        .limit(1)
        .executeTakeFirst();
      if (foreign !== undefined) throw sharedNetworkInUse(current.name);
    }
    await updateObject(tx, network, current.id, values);
    tx.changed('network', current.id);
  },

  async remove(tx, current) {
    const floatingIps = await tx.db
      .selectFrom('floatingips')
      .select('id')
      .where('floating_network_id', '=', current.id)
      .where('router_id', 'is', null)
      .execute();
    const ports = await tx.db
      .selectFrom('ports')
      .select(['id', 'device_owner', 'device_id'])
      .where('network_id', '=', current.id)
      .execute();
    const idle = new Set(floatingIps.map((row) => row.id));
    const blocking = ports.filter(
      (row) =>
        !OWN_PORTS.includes(row.device_owner) &&
        !(row.device_owner === DEVICE_OWNER.floatingIp && idle.has(row.device_id)),
    );
    if (blocking.length > 0)
      throw networkInUse(
        current.id,
        blocking.map((row) => row.id),
      );
    for (const row of floatingIps) await deleteFloatingIp(tx, row.id);
    for (const row of ports.filter((item) => OWN_PORTS.includes(item.device_owner))) await deletePort(tx, row.id);
    for (const { id } of await tx.db
      .selectFrom('subnets')
      .select('id')
      .where('network_id', '=', current.id)
      .execute()) {
      await removeTags(tx, id);
      await tx.db.deleteFrom('subnets').where('id', '=', id).execute();
      tx.deleted('subnet', id);
    }
    await removeTags(tx, current.id);
    await tx.db.deleteFrom('networks').where('id', '=', current.id).execute();
    tx.deleted('network', current.id);
  },
};

async function subnetIds(db: Reader, networkIds: string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  if (networkIds.length === 0) return found;
  const rows = await db
    .selectFrom('subnets')
    .select(['id', 'network_id'])
    .where(among('network_id', networkIds))
    .orderBy('id')
    .execute();
  for (const row of rows) found.set(row.network_id, [...(found.get(row.network_id) ?? []), row.id]);
  return found;
}

/** A sub-object of the network changed: its revision grows with it. */
export async function touchNetwork(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, network, id, {});
}
