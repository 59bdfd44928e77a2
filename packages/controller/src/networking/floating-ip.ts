import type { ApiError } from '@portward/model/api-error.ts';
import { type ExposedForwarding, type FloatingIp, floatingIp, type PortDetails } from '@portward/model/floating-ip.ts';
import { ipVersion } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, type FixedIp, port } from '@portward/model/port.ts';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';
import { insertObject, updateObject } from './collection.ts';
import {
  alreadyAssociated,
  badResource,
  fipHasForwardings,
  gatewayUnreachable,
  invalidArgument,
  notOnNetwork,
  portHasForwarding,
} from './errors.ts';
import { deleteForwardings } from './forwarding-record.ts';
import { requireNetwork } from './network-access.ts';
import { createPort, deletePort } from './port-record.ts';
import { routerBetween } from './reachability.ts';
import type { Rules } from './rules.ts';
import { loadTags, removeTags } from './tags.ts';

/** Rules of floating IPs: an address of an external network, held by a port of its own. */
export const floatingIpRules: Rules<typeof floatingIp> = {
  definition: floatingIp,

  load: (db, rows) => loadFloatingIps(db, rows),

  async create(tx, values, { caller }) {
    const network = await requireNetwork(tx.db, values.floating_network_id as string, caller);
    if (!network.router_external) {
      throw badResource('floatingip', `Network ${network.id} is not a valid external network.`);
    }
    const subnets = await tx.db
      .selectFrom('subnets')
      .select('id')
      .where('network_id', '=', network.id)
      .where('ip_version', '=', 4)
      .execute();
    if (subnets.length === 0)
      throw badResource('floatingip', `Network ${network.id} does not contain any IPv4 subnet.`);
    const { subnet_id: subnetId, floating_ip_address: address } = values;
    if (address && ipVersion(address) !== 4) throw notOnNetwork(address);
    if (subnetId && !subnets.some((row) => row.id === subnetId)) {
      throw invalidArgument(
        `Failed to create port on network ${network.id}, because fixed_ips included invalid subnet ${subnetId}`,
      );
    }
    const wish =
      subnetId || address
        ? [{ ...(subnetId && { subnet_id: subnetId }), ...(address && { ip_address: address }) }]
        : undefined;
    const held = await createPort(tx, {
      project_id: '',
      network_id: network.id,
      fixed_ips: wish,
      onlyIpv4: true,
      device_owner: DEVICE_OWNER.floatingIp,
      status: 'N/A',
    });
    const id = await insertObject(tx, floatingIp, {
      ...values,
      project_id: values.project_id,
      floating_ip_address: (held.fixed_ips[0] as FixedIp).ip_address,
      floating_port_id: held.id,
      port_id: null,
      fixed_ip_address: null,
      router_id: null,
      status: 'DOWN',
    });
    await tx.db.updateTable('ports').set({ device_id: id }).where('id', '=', held.id).execute();
    tx.changed('floatingip', id);
    if (values.port_id) await associate(tx, id, values.port_id, values.fixed_ip_address ?? null, caller);
    else if (values.fixed_ip_address) throw withoutPort();
    return id;
  },

  async update(tx, current, values, { caller }) {
    const { port_id: portId, fixed_ip_address: fixed, ...plain } = values;
    if (Object.keys(plain).length > 0) await updateObject(tx, floatingIp, current.id, plain);
    if (portId) {
      if (await hasForwardings(tx.db, current.id)) throw fipHasForwardings(current.id);
      await associate(tx, current.id, portId, fixed ?? null, caller);
    } else if (fixed) {
      throw withoutPort();
    } else if (portId === null && current.port_id !== null) {
      await disassociate(tx, current.id);
    }
    tx.changed('floatingip', current.id);
  },

  async remove(tx, current, { settings }) {
    if (settings.floating_ip_delete === 'refuse' && (await hasForwardings(tx.db, current.id)))
      throw fipHasForwardings(current.id);
    await deleteFloatingIp(tx, current.id);
  },
};

const withoutPort = (): ApiError => badResource('floatingip', 'fixed_ip_address cannot be specified without a port_id');

async function hasForwardings(db: Reader, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('port_forwardings')
    .select('id')
    .where('floatingip_id', '=', id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Deletes a floating IP, its forwardings and its own port, in one transaction (the article's cascade). */
export async function deleteFloatingIp(tx: Transaction, id: string): Promise<void> {
  const { floating_port_id: held } = await tx.db
    .selectFrom('floatingips')
    .select('floating_port_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await deleteForwardings(tx, (query) => query.where('floatingip_id', '=', id));
  await removeTags(tx, id);
  await tx.db.deleteFrom('applied').where('kind', '=', 'floatingip').where('resource_id', '=', id).execute();
  await tx.db.deleteFrom('floatingips').where('id', '=', id).execute();
  tx.deleted('floatingip', id);
  await deletePort(tx, held);
}

/** Takes a floating IP from its port. */
export async function disassociate(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, floatingIp, id, { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' });
  tx.changed('floatingip', id);
}

/** Gives a floating IP to an address of a port; throws Neutron's 400s, 404s and 409s. */
async function associate(
  tx: Transaction,
  id: string,
  portId: string,
  wanted: string | null,
  caller: Caller,
): Promise<void> {
  const current = await tx.db.selectFrom('floatingips').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const target = await tx.db
    .selectFrom('ports')
    .select(['id', 'project_id', 'network_id', 'device_owner'])
    .where('id', '=', portId)
    .limit(1)
    .executeTakeFirst();
  if (target === undefined || !(await isVisible(tx.db, target, caller))) throw port.notFound(portId);
  if (target.project_id !== current.project_id && !caller.isAdmin) {
    throw badResource(
      'floatingip',
      `Cannot process floating IP association with Port ${portId}, since that port is owned by a different project.`,
    );
  }
  if (target.device_owner === DEVICE_OWNER.dhcp) {
    throw badResource(
      'floatingip',
      `Cannot process floating IP association with Port ${portId}, since that port is used by DHCP.`,
    );
  }
  const fixed = chooseFixedIp(portId, (await loadAddresses(tx.db, [portId])).get(portId) ?? [], wanted);
  const router = await routerBetween(tx.db, fixed.subnet_id, current.floating_network_id);
  if (router === undefined) throw gatewayUnreachable(current.floating_network_id, fixed.subnet_id, portId);
  const other = await tx.db
    .selectFrom('floatingips')
    .select('id')
    .where('port_id', '=', portId)
    .where('fixed_ip_address', '=', fixed.ip_address)
    .where('floating_network_id', '=', current.floating_network_id)
    .where('id', '!=', id)
    .limit(1)
    .executeTakeFirst();
  if (other !== undefined) {
    throw alreadyAssociated(current.floating_ip_address, id, portId, fixed.ip_address, current.floating_network_id);
  }
  const { distributed } = await tx.db
    .selectFrom('routers')
    .select('distributed')
    .where('id', '=', router)
    .executeTakeFirstOrThrow();
  if (distributed) {
    const forwarding = await tx.db
      .selectFrom('port_forwardings')
      .select('id')
      .where('internal_port_id', '=', portId)
      .limit(1)
      .executeTakeFirst();
    if (forwarding !== undefined) throw portHasForwarding(portId);
  }
  const same =
    current.port_id === portId && current.fixed_ip_address === fixed.ip_address && current.router_id === router;
  await updateObject(tx, floatingIp, id, {
    port_id: portId,
    fixed_ip_address: fixed.ip_address,
    router_id: router,
    // What is carried out already stays so.
    ...(!same && { status: 'DOWN' }),
  });
  tx.changed('floatingip', id);
}

/** A port is seen by its project and by the owner of its network. */
async function isVisible(
  db: Reader,
  { project_id: owner, network_id: networkId }: { project_id: string; network_id: string },
  caller: Caller,
): Promise<boolean> {
  if (caller.isAdmin || owner === caller.projectId) return true;
  const row = await db
    .selectFrom('networks')
    .select('id')
    .where('id', '=', networkId)
    .where('project_id', '=', caller.projectId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function chooseFixedIp(portId: string, fixedIps: readonly FixedIp[], wanted: string | null): FixedIp {
  if (wanted !== null) {
    if (ipVersion(wanted) !== 4) {
      throw badResource(
        'floatingip',
        `Cannot process floating IP association with ${wanted}, since that is not an IPv4 address`,
      );
    }
    const found = fixedIps.find((item) => item.ip_address === wanted);
    if (found === undefined) throw badResource('floatingip', `Port ${portId} does not have fixed ip ${wanted}`);
    return found;
  }
  const ipv4 = fixedIps.filter((item) => ipVersion(item.ip_address) === 4);
  if (ipv4.length > 1) {
    throw badResource(
      'floatingip',
      `Port ${portId} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
    );
  }
  const [only] = ipv4;
  if (only === undefined) {
    throw badResource('floatingip', `Cannot add floating IP to port ${portId} that has no fixed IPv4 addresses`);
  }
  return only;
}

async function loadFloatingIps(db: Reader, rows: Database['floatingips'][]): Promise<FloatingIp[]> {
  const ids = rows.map((row) => row.id);
  const tags = await loadTags(db, ids);
  const details = await portDetails(
    db,
    rows.flatMap((row) => (row.port_id === null ? [] : [row.port_id])),
  );
  const forwardings = await exposedForwardings(db, ids);
  return rows.map((row) => ({
    ...row,
    subnet_id: null,
    port_details: row.port_id === null ? null : (details.get(row.port_id) ?? null),
    port_forwardings: forwardings.get(row.id) ?? [],
    tags: tags.get(row.id) ?? [],
  }));
}

async function portDetails(db: Reader, portIds: string[]): Promise<Map<string, PortDetails>> {
  if (portIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('ports')
    .select(['id', 'name', 'network_id', 'mac_address', 'admin_state_up', 'status', 'device_id', 'device_owner'])
    .where(among('id', portIds))
    .execute();
  return new Map(rows.map(({ id, ...details }) => [id, details]));
}

async function exposedForwardings(db: Reader, ids: string[]): Promise<Map<string, ExposedForwarding[]>> {
  const found = new Map<string, ExposedForwarding[]>();
  if (ids.length === 0) return found;
  const rows = await db
    .selectFrom('port_forwardings')
    .selectAll()
    .where(among('floatingip_id', ids))
    .orderBy('id')
    .execute();
  for (const row of rows) {
    const exposed: ExposedForwarding = {
      id: row.id,
      protocol: row.protocol,
      internal_ip_address: row.internal_ip_address,
      internal_port_id: row.internal_port_id,
      ...(row.external_first === row.external_last && {
        internal_port: row.internal_first,
        external_port: row.external_first,
      }),
    };
    const list = found.get(row.floatingip_id);
    if (list === undefined) found.set(row.floatingip_id, [exposed]);
    else list.push(exposed);
  }
  return found;
}
