import { createHash } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import { DEVICE_OWNER, type FixedIp, port } from '@portward/model/port.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { allocateAddresses, loadAddresses, writeAddresses } from './address-allocation.ts';
import { eui64Address, isAutomatic } from './automatic-address.ts';
import { updateObject } from './collection.ts';
import { chooseMac, createPort, deletePort } from './port-record.ts';

/** Seconds without a word after which an agent counts as down (Neutron's agent_down_time). */
export const AGENT_DOWN_SECONDS = 75;

/** Time as the agents table keeps it: `YYYY-MM-DD HH:MM:SS`, UTC. */
export const agentTime = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');

/** Whether a heartbeat of that time still counts. */
export const isAlive = (heartbeat: string, now: Date = new Date()): boolean =>
  now.getTime() - Date.parse(`${heartbeat.replace(' ', 'T')}Z`) < AGENT_DOWN_SECONDS * 1000;

type AgentType = 'L3 agent' | 'DHCP agent';

/** The live host with the fewest of the objects that the table assigns, or null when there is none. */
async function leastLoadedHost(db: Reader, type: AgentType, table: 'routers' | 'networks'): Promise<string | null> {
  const agents = await db
    .selectFrom('agents')
    .select(['host', 'heartbeat_timestamp'])
    .where('agent_type', '=', type)
    .where('admin_state_up', '=', true)
    .execute();
  const hosts = agents.filter((row) => isAlive(row.heartbeat_timestamp)).map((row) => row.host);
  if (hosts.length <= 1) return hosts[0] ?? null;
  const loads = await db
    .selectFrom(table)
    .select(['agent_host', (expression) => expression.fn.countAll<number>().as('load')])
    .where('agent_host', 'in', hosts)
    .groupBy('agent_host')
    .execute();
  const load = new Map(loads.map((row) => [row.agent_host, Number(row.load)]));
  return hosts.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1))[0] ?? null;
}

/** Gives a network without a host one for its DHCP, if there is any. */
export async function scheduleNetwork(tx: Transaction, id: string, host?: string): Promise<void> {
  const chosen = host ?? (await leastLoadedHost(tx.db, 'DHCP agent', 'networks'));
  if (chosen === null) return;
  await tx.db
    .updateTable('networks')
    .set({ agent_host: chosen })
    .where('id', '=', id)
    .where('agent_host', 'is', null)
    .execute();
  tx.changed('network', id);
  await ensureDhcpPort(tx, id);
}

/** Gives a router without a host one, if there is any. */
export async function scheduleRouter(tx: Transaction, id: string, host?: string): Promise<void> {
  const chosen = host ?? (await leastLoadedHost(tx.db, 'L3 agent', 'routers'));
  if (chosen === null) return;
  await tx.db
    .updateTable('routers')
    .set({ agent_host: chosen })
    .where('id', '=', id)
    .where('agent_host', 'is', null)
    .execute();
  tx.changed('router', id);
}

/** Takes a router from its host: nobody carries it, its floating IPs and their forwardings until another one does. */
export async function unscheduleRouter(tx: Transaction, id: string): Promise<void> {
  const floatingIps = tx.db.selectFrom('floatingips').select('id').where('router_id', '=', id);
  const forwardings = tx.db.selectFrom('port_forwardings').select('id').where('floatingip_id', 'in', floatingIps);
  await tx.db.updateTable('routers').set({ agent_host: null }).where('id', '=', id).execute();
  await tx.db.updateTable('floatingips').set({ status: 'DOWN' }).where('router_id', '=', id).execute();
  const forget = (kind: string) => tx.db.deleteFrom('applied').where('kind', '=', kind);
  await forget('router').where('resource_id', '=', id).execute();
  await forget('floatingip').where('resource_id', 'in', floatingIps).execute();
  await forget('port_forwarding').where('resource_id', 'in', forwardings).execute();
  tx.changed('router', id);
}

/** Takes a network's DHCP from its host. Its port stays, so that the addresses are the same when another host has it. */
export async function unscheduleNetwork(tx: Transaction, id: string): Promise<void> {
  await tx.db.updateTable('networks').set({ agent_host: null }).where('id', '=', id).execute();
  tx.changed('network', id);
  const present = await dhcpPort(tx.db, id);
  if (present === undefined) return;
  await updateObject(tx, port, present.id, { device_id: RESERVED_DEVICE, 'binding:host_id': '', status: 'DOWN' });
  await tx.db.deleteFrom('applied').where('kind', '=', 'port').where('resource_id', '=', present.id).execute();
  tx.changed('port', present.id);
}

/** What a host carried that is no longer there goes to others, if there are any. */
export async function abandonHost(tx: Transaction, host: string, type: string): Promise<void> {
  const assigned = (table: 'routers' | 'networks') =>
    tx.db.selectFrom(table).select('id').where('agent_host', '=', host).orderBy('id').execute();
  if (type === 'L3 agent') {
    for (const { id } of await assigned('routers')) {
      await unscheduleRouter(tx, id);
      await scheduleRouter(tx, id);
    }
  }
  if (type === 'DHCP agent') {
    for (const { id } of await assigned('networks')) {
      await unscheduleNetwork(tx, id);
      await scheduleNetwork(tx, id);
    }
  }
}

/** Everything that waits for a host goes to this one. */
export async function adoptUnscheduled(tx: Transaction, host: string): Promise<void> {
  for (const { id } of await tx.db.selectFrom('routers').select('id').where('agent_host', 'is', null).execute()) {
    await scheduleRouter(tx, id, host);
  }
  for (const { id } of await tx.db.selectFrom('networks').select('id').where('agent_host', 'is', null).execute()) {
    await scheduleNetwork(tx, id, host);
  }
}

/** Device of a DHCP port that no host has (Neutron's word for it). */
const RESERVED_DEVICE = 'reserved_dhcp_port';

const dhcpPort = (db: Reader, networkId: string) =>
  db
    .selectFrom('ports')
    .select(['id', 'device_id', 'mac_address'])
    .where('network_id', '=', networkId)
    .where('device_owner', '=', DEVICE_OWNER.dhcp)
    .limit(1)
    .executeTakeFirst();

/** A DHCP port's device id, as Neutron forms it: a UUID (version 5, DNS) of the host's name, and the network's id. */
function dhcpDeviceId(host: string, networkId: string): string {
  const namespace = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex');
  const hash = createHash('sha1').update(namespace).update(host).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
  return `dhcp${uuid}-${networkId}`;
}

/** A network with a host and a subnet with DHCP has a port for it, with an address on each such subnet; else none. */
export async function ensureDhcpPort(tx: Transaction, networkId: string): Promise<void> {
  const network = await tx.db
    .selectFrom('networks')
    .select(['project_id', 'agent_host'])
    .where('id', '=', networkId)
    .limit(1)
    .executeTakeFirst();
  if (network === undefined || network.agent_host === null) return;
  const subnets = await tx.db
    .selectFrom('subnets')
    .selectAll()
    .where('network_id', '=', networkId)
    .where('enable_dhcp', '=', true)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const present = await dhcpPort(tx.db, networkId);
  if (subnets.length === 0) {
    if (present !== undefined) await deletePort(tx, present.id);
    return;
  }
  const addresses = present === undefined ? [] : ((await loadAddresses(tx.db, [present.id])).get(present.id) ?? []);
  const mac = present?.mac_address ?? (await chooseMac(tx.db, networkId, undefined));
  const next: FixedIp[] = [];
  for (const row of subnets) {
    const granted = isAutomatic(row)
      ? { subnet_id: row.id, ip_address: eui64Address(row.cidr, mac) }
      : await grantOn(tx, networkId, row.id, mac, addresses);
    if (granted !== undefined) next.push(granted);
  }
  const deviceId = dhcpDeviceId(network.agent_host, networkId);
  if (present === undefined) {
    if (next.length === 0) return;
    await createPort(tx, {
      project_id: network.project_id,
      network_id: networkId,
      mac_address: mac,
      fixed_ips: next,
      device_id: deviceId,
      device_owner: DEVICE_OWNER.dhcp,
      more: { 'binding:host_id': network.agent_host },
    });
    return;
  }
  const held = new Set(addresses.map((item) => item.subnet_id));
  if (present.device_id === deviceId && held.size === next.length && next.every((item) => held.has(item.subnet_id)))
    return;
  await writeAddresses(tx, present.id, networkId, next);
  await updateObject(tx, port, present.id, { device_id: deviceId, 'binding:host_id': network.agent_host });
  tx.changed('port', present.id);
}

/** An address for DHCP on a subnet, or none where all are taken: that is the subnet's trouble and no one else's. */
async function grantOn(
  tx: Transaction,
  networkId: string,
  subnetId: string,
  mac: string,
  present: readonly FixedIp[],
): Promise<FixedIp | undefined> {
  try {
    return (await allocateAddresses(tx, { networkId, mac, fixedIps: [{ subnet_id: subnetId }], present }))[0];
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
