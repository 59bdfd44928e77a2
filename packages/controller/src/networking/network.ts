import { invalidInput } from '@portward/model/api-error.ts';
import { network } from '@portward/model/network.ts';
import { DEVICE_OWNER } from '@portward/model/port.ts';
import { EVERY_PROJECT } from '@portward/model/rbac-policy.ts';
import type { ShareAction } from '@portward/model/resource.ts';
import { among } from '../store/among.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { insertObject, updateObject } from './collection.ts';
import {
  defaultNetworkExists,
  externalNetworkInUse,
  flatNetworkInUse,
  networkInUse,
  sharedNetworkInUse,
} from './errors.ts';
import { deleteFloatingIp } from './floating-ip.ts';
import { deletePort } from './port-record.ts';
import { dependents, openToAll, wildcardPolicy } from './rbac-policy-record.ts';
import type { Rules } from './rules.ts';
import { scheduleNetwork } from './scheduling.ts';
import { ensureDefaultGroup } from './security-group.ts';
import { loadTags, removeTags } from './tags.ts';

const PROVIDER_ATTRIBUTES = ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'] as const;

/** Owners of ports that go with their network without a word. */
const OWN_PORTS: string[] = [DEVICE_OWNER.dhcp];

/** Rules of networks; admins say what they are on the hosts. RBAC policies say who sees and uses those of others. */
export const networkRules: Rules<typeof network> = {
  definition: network,

  async load(db, rows) {
    const ids = rows.map((row) => row.id);
    const [contents, tags] = [await loadSubnets(db, ids), await loadTags(db, ids)];
    return rows.map(
      ({ router_external, provider_network_type, provider_physical_network, provider_segmentation_id, ...row }) => ({
        ...row,
        'router:external': router_external,
        'provider:network_type': provider_network_type,
        'provider:physical_network': provider_physical_network,
        'provider:segmentation_id': provider_segmentation_id,
        shared: false,
        subnets: contents.get(row.id)?.subnets ?? [],
        availability_zones: row.agent_host === null ? [] : ['nova'],
        ipv4_address_scope: contents.get(row.id)?.scopes.get(4) ?? null,
        ipv6_address_scope: contents.get(row.id)?.scopes.get(6) ?? null,
        l2_adjacency: true,
        tags: tags.get(row.id) ?? [],
      }),
    );
  },

  async create(tx, values, context) {
    await ensureDefaultGroup(tx, values.project_id, context);
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
    const external = values['router:external'] === true;
    if (external && values.is_default) await refuseOtherDefault(tx.db, undefined);
    const id = await insertObject(tx, network, {
      ...values,
      is_default: external && values.is_default === true,
      'provider:network_type': type,
      status: 'ACTIVE',
      agent_host: null,
    });
    const owned = { id, project_id: values.project_id };
    if (values.shared === true) await openToAll(tx, network, owned, 'access_as_shared');
    if (values['router:external'] === true) await openToAll(tx, network, owned, 'access_as_external');
    await scheduleNetwork(tx, id);
    tx.changed('network', id);
    return id;
  },

  async update(tx, current, values) {
    const external = values['router:external'];
    if (external === true && !current['router:external']) await openToAll(tx, network, current, 'access_as_external');
    if (external === false && current['router:external']) {
      if (await hasExternalPorts(tx.db, current.id)) throw externalNetworkInUse(current.name);
      await tx.db
        .deleteFrom('rbac_policies')
        .where('object_id', '=', current.id)
        .where('action', '=', 'access_as_external' satisfies ShareAction)
        .execute();
    }
    if (values.shared === true) await openToAll(tx, network, current, 'access_as_shared');
    if (values.shared === false) await unshare(tx, current);
    for (const name of PROVIDER_ATTRIBUTES) {
      if (values[name] !== undefined && values[name] !== current[name]) {
        throw invalidInput('Plugin does not support updating provider attributes');
      }
    }
    const isDefault = (external ?? current['router:external']) && (values.is_default ?? current.is_default);
    if (isDefault && !current.is_default) await refuseOtherDefault(tx.db, current.id);
    await updateObject(tx, network, current.id, { ...values, is_default: isDefault });
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

/** Takes the network from all projects but those that it is shared with by name. */
async function unshare(tx: Transaction, { id, name }: { id: string; name: string }): Promise<void> {
  const opening = { object_type: network.name, object_id: id, action: 'access_as_shared' };
  const policy = await wildcardPolicy(tx.db, opening);
  if (policy === undefined) return;
  const users = await dependents(tx.db, { ...opening, target_tenant: EVERY_PROJECT });
  if (users.length > 0) throw sharedNetworkInUse(name);
  await tx.db.deleteFrom('rbac_policies').where('id', '=', policy).execute();
}

/** Whether routers have their gateway, or floating IPs their address, on the network. */
export async function hasExternalPorts(db: Reader, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('ports')
    .select('id')
    .where('network_id', '=', id)
    .where('device_owner', 'in', [DEVICE_OWNER.routerGateway, DEVICE_OWNER.floatingIp])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** There is one default external network; only an external one can be it. */
async function refuseOtherDefault(db: Reader, id: string | undefined): Promise<void> {
  const other = await db
    .selectFrom('networks')
    .select('id')
    .where('is_default', '=', true)
    .where('id', '!=', id ?? '')
    .limit(1)
    .executeTakeFirst();
  if (other !== undefined) throw defaultNetworkExists(other.id);
}

interface Contents {
  readonly subnets: string[];
  /** Address scope by IP version, as the subnets' pools say it: they agree. */
  readonly scopes: Map<number, string>;
}

async function loadSubnets(db: Reader, networkIds: string[]): Promise<Map<string, Contents>> {
  const found = new Map<string, Contents>();
  if (networkIds.length === 0) return found;
  const rows = await db
    .selectFrom('subnets')
    .leftJoin('subnetpools', 'subnetpools.id', 'subnets.subnetpool_id')
    .select(['subnets.id', 'subnets.network_id', 'subnets.ip_version', 'subnetpools.address_scope_id'])
    .where(among('subnets.network_id', networkIds))
    .orderBy('subnets.id')
    .execute();
  for (const row of rows) {
    const contents: Contents = found.get(row.network_id) ?? { subnets: [], scopes: new Map() };
    found.set(row.network_id, contents);
    contents.subnets.push(row.id);
    if (row.address_scope_id !== null) contents.scopes.set(row.ip_version, row.address_scope_id);
  }
  return found;
}

/** A sub-object of the network changed: its revision grows with it. */
export async function touchNetwork(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, network, id, {});
}
