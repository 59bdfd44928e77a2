import type { Port } from '@portward/model/port.ts';
import type { Reader } from '../store/store.ts';
import { loadPorts } from './port.ts';

/** What must hold in a store after any requests, in any order or at once; each entry names a breach. For tests. */
export async function breaches(db: Reader): Promise<string[]> {
  return [
    ...(await addressBreaches(db)),
    ...(await orphans(db)),
    ...(await floatingIpBreaches(db)),
    ...(await routerBreaches(db)),
    ...(await groupBreaches(db)),
  ];
}

/** Ports show exactly the addresses that the table of addresses has. */
async function addressBreaches(db: Reader): Promise<string[]> {
  const ports = await loadPorts(db, await db.selectFrom('ports').selectAll().execute(), 'local');
  const shown = ports.flatMap((port: Port) =>
    port.fixed_ips.map((item) => `${port.id} ${port.network_id} ${item.subnet_id} ${item.ip_address}`),
  );
  const kept = (await db.selectFrom('fixed_ips').selectAll().execute()).map(
    (row) => `${row.port_id} ${row.network_id} ${row.subnet_id} ${row.ip_address}`,
  );
  return [
    ...kept.filter((row) => !shown.includes(row)).map((row) => `address of no port: ${row}`),
    ...shown.filter((row) => !kept.includes(row)).map((row) => `address not kept: ${row}`),
    ...(new Set(kept.map((row) => row.split(' ').slice(2).join(' '))).size === kept.length ? [] : ['address twice']),
  ];
}

/** Nothing hangs on what is gone. */
async function orphans(db: Reader): Promise<string[]> {
  const ids = new Set<string>();
  for (const table of [
    'networks',
    'subnets',
    'ports',
    'routers',
    'floatingips',
    'port_forwardings',
    'security_groups',
    'subnetpools',
    'servers',
  ] as const) {
    for (const row of await db.selectFrom(table).select('id').execute()) ids.add(row.id);
  }
  const hanging = [
    ...(await db.selectFrom('tags').select('resource_id as id').execute()),
    ...(await db.selectFrom('applied').select('resource_id as id').execute()),
    ...(await db.selectFrom('fixed_ips').select('port_id as id').execute()),
    ...(await db.selectFrom('port_security_groups').select('port_id as id').execute()),
    ...(await db.selectFrom('security_group_rules').select('security_group_id as id').execute()),
  ];
  return hanging.filter((row) => !ids.has(row.id)).map((row) => `left behind by ${row.id}`);
}

async function floatingIpBreaches(db: Reader): Promise<string[]> {
  const found: string[] = [];
  const floatingIps = await db.selectFrom('floatingips').selectAll().execute();
  const forwardings = await db.selectFrom('port_forwardings').selectAll().execute();
  const addresses = await db.selectFrom('fixed_ips').selectAll().execute();
  const held = (portId: string, address: string | null) =>
    addresses.some((row) => row.port_id === portId && row.ip_address === address);
  for (const row of floatingIps) {
    const own = forwardings.filter((item) => item.floatingip_id === row.id);
    if (!held(row.floating_port_id, row.floating_ip_address)) found.push(`floating IP ${row.id} has not its address`);
    if (row.port_id !== null && own.length > 0) found.push(`floating IP ${row.id} has a port and forwardings`);
    if (row.port_id !== null && !held(row.port_id, row.fixed_ip_address)) found.push(`floating IP ${row.id} misses`);
    if ((row.router_id !== null) !== (row.port_id !== null || own.length > 0)) {
      found.push(`floating IP ${row.id} has a router for nothing, or none`);
    }
    if (row.router_id === null && row.status !== 'DOWN') found.push(`floating IP ${row.id} is ${row.status}`);
  }
  for (const [index, a] of forwardings.entries()) {
    if (!held(a.internal_port_id, a.internal_ip_address)) found.push(`forwarding ${a.id} leads nowhere`);
    for (const b of forwardings.slice(index + 1)) {
      if (a.protocol !== b.protocol) continue;
      const outside = a.external_first <= b.external_last && b.external_first <= a.external_last;
      const inside = a.internal_first <= b.internal_last && b.internal_first <= a.internal_last;
      if (a.floatingip_id === b.floatingip_id && outside) found.push(`forwardings ${a.id} and ${b.id} overlap outside`);
      if (a.internal_port_id === b.internal_port_id && a.internal_ip_address === b.internal_ip_address && inside) {
        found.push(`forwardings ${a.id} and ${b.id} overlap inside`);
      }
    }
  }
  return found;
}

/** What goes through a router: its gateway is there, and its interface on each subnet that it serves. */
async function routerBreaches(db: Reader): Promise<string[]> {
  const found: string[] = [];
  const ports = await db.selectFrom('ports').selectAll().execute();
  const routers = await db.selectFrom('routers').selectAll().execute();
  for (const row of routers) {
    const gateways = ports.filter(
      (item) => item.device_id === row.id && item.device_owner === 'network:router_gateway',
    );
    if (gateways.length !== (row.gateway_port_id === null ? 0 : 1)) found.push(`router ${row.id}: ${gateways.length}`);
    if (row.gateway_port_id !== null && gateways[0]?.id !== row.gateway_port_id)
      found.push(`router ${row.id}: gateway`);
  }
  for (const row of ports.filter((item) => item.device_owner.startsWith('network:router'))) {
    if (!routers.some((item) => item.id === row.device_id)) found.push(`port ${row.id} is of no router`);
  }
  const served = await db.selectFrom('floatingips').selectAll().where('router_id', 'is not', null).execute();
  for (const row of served) {
    const router = routers.find((item) => item.id === row.router_id);
    if (router?.gateway_network_id !== row.floating_network_id) found.push(`floating IP ${row.id}: no gateway`);
  }
  return found;
}

async function groupBreaches(db: Reader): Promise<string[]> {
  const groups = await db.selectFrom('security_groups').select(['id', 'project_id', 'name']).execute();
  const defaults = groups.filter((row) => row.name === 'default').map((row) => row.project_id);
  const rules = await db.selectFrom('security_group_rules').select(['id', 'remote_group_id']).execute();
  return [
    ...(new Set(defaults).size === defaults.length ? [] : ['two default groups of one project']),
    ...rules
      .filter((row) => row.remote_group_id !== null && !groups.some((group) => group.id === row.remote_group_id))
      .map((row) => `rule ${row.id} names a group that is gone`),
  ];
}
