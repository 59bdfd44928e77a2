import { type Cidr, formatIp, parseCidr, parseIp } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, type FixedIp, port, ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { addressValue } from './address-value.ts';
import { updateObject } from './collection.ts';

type Modes = Pick<Database['subnets'], 'ipv6_ra_mode' | 'ipv6_address_mode'>;

/** Rows of one insert; each has six values. */
const LARGEST_INSERT = 1000;
const AUTOMATIC: readonly unknown[] = ['slaac', 'dhcpv6-stateless'];

/** Whether hosts make their address of the subnet out of their MAC address: SLAAC, and DHCPv6 without state. */
export const isAutomatic = ({ ipv6_ra_mode: ra, ipv6_address_mode: address }: Modes): boolean =>
  AUTOMATIC.includes(ra) || AUTOMATIC.includes(address);

/** Ports of routers on internal networks: they have the addresses that they are given, and no others. */
export const isRouterPort = (owner: string): boolean =>
  ROUTER_INTERFACE_OWNERS.includes(owner) || owner === DEVICE_OWNER.routerSnat;

/** The address that a host of this MAC address makes for itself on a /64 (RFC 4291, appendix A). */
export function eui64Address(cidr: string, mac: string): string {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  const [first = 0, ...rest] = bytes;
  const id = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const suffix = id.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return formatIp((parseCidr(cidr) as Cidr).first | suffix, 6);
}

/** Leaves out addresses of subnets where ports make their own. */
export async function withoutAutomatic(
  db: Reader,
  networkId: string,
  fixedIps: readonly FixedIp[],
): Promise<FixedIp[]> {
  const subnets = await db.selectFrom('subnets').selectAll().where('network_id', '=', networkId).execute();
  const automatic = new Set(subnets.filter(isAutomatic).map((row) => row.id));
  return fixedIps.filter((item) => !automatic.has(item.subnet_id));
}

/** A new subnet where ports make their own addresses: those that the network has get theirs. */
export async function addAutomaticAddresses(
  tx: Transaction,
  subnet: { id: string; network_id: string; cidr: string },
): Promise<void> {
  const ports = (
    await tx.db
      .selectFrom('ports')
      .select(['id', 'mac_address', 'device_owner'])
      .where('network_id', '=', subnet.network_id)
      .execute()
  ).filter((row) => !isRouterPort(row.device_owner) && row.device_owner !== DEVICE_OWNER.floatingIp);
  if (ports.length === 0) return;
  const places = await tx.db
    .selectFrom('fixed_ips')
    .select(['port_id', (expression) => expression.fn.max('position').as('last')])
    .where('network_id', '=', subnet.network_id)
    .groupBy('port_id')
    .execute();
  const last = new Map(places.map((row) => [row.port_id, Number(row.last)]));
  const rows = ports.map((row) => {
    const address = eui64Address(subnet.cidr, row.mac_address);
    return {
      port_id: row.id,
      network_id: subnet.network_id,
      subnet_id: subnet.id,
      ip_address: address,
      ip_value: addressValue(parseIp(address)),
      position: (last.get(row.id) ?? -1) + 1,
    };
  });
  for (let start = 0; start < rows.length; start += LARGEST_INSERT) {
    await tx.db
      .insertInto('fixed_ips')
      .values(rows.slice(start, start + LARGEST_INSERT))
      .execute();
  }
  for (const { id } of ports) await touchPort(tx, id);
}

/** Takes all addresses of a subnet that goes from the ports that have them. */
export async function removeSubnetAddresses(tx: Transaction, subnetId: string): Promise<void> {
  const holders = await tx.db
    .selectFrom('fixed_ips')
    .select('port_id')
    .distinct()
    .where('subnet_id', '=', subnetId)
    .execute();
  await tx.db.deleteFrom('fixed_ips').where('subnet_id', '=', subnetId).execute();
  for (const { port_id: id } of holders) await touchPort(tx, id);
}

/** Ids of ports that keep a subnet from being deleted; the others lose their address of it. */
export async function portsThatNeed(db: Reader, subnet: Modes & { id: string }): Promise<string[]> {
  const holders = await db.selectFrom('fixed_ips').select('port_id').where('subnet_id', '=', subnet.id).execute();
  if (holders.length === 0) return [];
  const ports = await db
    .selectFrom('ports')
    .select(['id', 'device_owner'])
    .where(
      among(
        'id',
        holders.map((row) => row.port_id),
      ),
    )
    .execute();
  const automatic = isAutomatic(subnet);
  return ports
    .filter(({ device_owner: owner }) =>
      automatic ? isRouterPort(owner) || owner === DEVICE_OWNER.routerGateway : owner !== DEVICE_OWNER.dhcp,
    )
    .map((row) => row.id);
}

async function touchPort(tx: Transaction, id: string): Promise<void> {
  await updateObject(tx, port, id, {});
  tx.changed('port', id);
}
