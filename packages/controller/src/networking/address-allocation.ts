import { randomInt } from 'node:crypto';
import { cidrContains, formatIp, type IpVersion, ipVersion, parseIp } from '@portward/model/ip-address.ts';
import type { FixedIp, FixedIpRequest } from '@portward/model/port.ts';
import { among } from '../store/among.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { Database } from '../store/schema.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { addressValue } from './address-value.ts';
import { eui64Address, isAutomatic } from './automatic-address.ts';
import { addressTaken, invalidArgument, noAddressLeft, notOnNetwork, notOnSubnet } from './errors.ts';

type SubnetRow = Database['subnets'];

/** Pools up to this size are searched for their lowest free address; larger ones are not read whole. */
const SMALL_POOL = 4096n;
/** Random looks into a large pool before it is read whole. */
const PROBES = 16;

/** What allocation must know of the port it is for. */
export interface AllocationRequest {
  networkId: string;
  /** MAC address of the port, from which its addresses on some IPv6 subnets follow. */
  mac: string;
  /** A router's port on an internal network: nothing follows from its MAC address. */
  routerPort?: boolean;
  /** undefined: one address per family as the subnets offer it. */
  fixedIps: readonly FixedIpRequest[] | undefined;
  /** Addresses that the port has already: entries that name only their subnet keep them. */
  present?: readonly FixedIp[];
  /** IPv4 only: for floating IPs and routers' gateways without a wish. */
  onlyIpv4?: boolean;
}

/** Decides a port's addresses; throws Neutron's 400s and 409s. Uniqueness is the table's primary key. */
export async function allocateAddresses(tx: Transaction, request: AllocationRequest): Promise<FixedIp[]> {
  const subnets = await tx.db
    .selectFrom('subnets')
    .selectAll()
    .where('network_id', '=', request.networkId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const implied = request.routerPort || request.onlyIpv4 ? [] : subnets.filter(isAutomatic);
  const granted =
    request.fixedIps === undefined
      ? await onePerFamily(
          tx,
          request,
          subnets.filter((row) => !implied.includes(row)),
        )
      : await wishedFor(tx, request, request.fixedIps, subnets, implied);
  for (const subnet of implied) {
    const own = { subnet_id: subnet.id, ip_address: eui64Address(subnet.cidr, request.mac) };
    const held = request.present?.some((item) => item.ip_address === own.ip_address) ?? false;
    if (!held && (await isTaken(tx.db, subnet.id, own.ip_address))) throw addressTaken(own.ip_address, subnet.id);
    granted.push(own);
  }
  return granted;
}

/** What a request asks for, in its order; of subnets where ports make their own address it can only ask for that. */
async function wishedFor(
  tx: Transaction,
  request: AllocationRequest,
  wishes: readonly FixedIpRequest[],
  subnets: SubnetRow[],
  implied: SubnetRow[],
): Promise<FixedIp[]> {
  const taken: FixedIp[] = [];
  const free = [...(request.present ?? [])];
  for (const wish of wishes) {
    if (wish.subnet_id === undefined && wish.ip_address === undefined) {
      throw invalidArgument('IP allocation requires subnet_id or ip_address');
    }
    const subnet = subnetOf(request.networkId, wish, subnets);
    if (!implied.includes(subnet)) {
      taken.push(await grant(tx, request.networkId, subnet, wish.ip_address, free, taken));
    } else if (wish.ip_address !== undefined && wish.ip_address !== eui64Address(subnet.cidr, request.mac)) {
      throw invalidArgument(
        `IPv6 address ${wish.ip_address} cannot be directly assigned to a port on subnet ${subnet.id} as the subnet is configured for automatic addresses`,
      );
    }
  }
  return taken;
}

function subnetOf(networkId: string, wish: FixedIpRequest, subnets: SubnetRow[]): SubnetRow {
  const { subnet_id: subnetId, ip_address: address } = wish;
  if (subnetId !== undefined) {
    const named = subnets.find((row) => row.id === subnetId);
    if (named === undefined) {
      throw invalidArgument(
        `Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${subnetId}`,
      );
    }
    if (address !== undefined && !cidrContains(named.cidr, address)) throw notOnSubnet(address);
    return named;
  }
  const holding = subnets.find((row) => cidrContains(row.cidr, address ?? ''));
  if (holding === undefined) throw notOnNetwork(address ?? '');
  return holding;
}

async function grant(
  tx: Transaction,
  networkId: string,
  chosen: SubnetRow,
  address: string | undefined,
  present: FixedIp[],
  taken: FixedIp[],
): Promise<FixedIp> {
  const own = present.findIndex(
    (item) => item.subnet_id === chosen.id && (address === undefined || item.ip_address === address),
  );
  if (own >= 0) return present.splice(own, 1)[0] as FixedIp;
  if (address !== undefined) {
    if (isReserved(chosen, address)) throw notOnSubnet(address);
    if (taken.some((item) => item.ip_address === address) || (await isTaken(tx.db, chosen.id, address))) {
      throw addressTaken(address, chosen.id);
    }
    return { subnet_id: chosen.id, ip_address: address };
  }
  const next = await nextFree(tx.db, chosen, taken);
  if (next === undefined) throw noAddressLeft(networkId);
  return { subnet_id: chosen.id, ip_address: next };
}

/** One IPv4 address from the first subnet that has one left, one IPv6 address likewise. */
async function onePerFamily(tx: Transaction, request: AllocationRequest, subnets: SubnetRow[]): Promise<FixedIp[]> {
  const result: FixedIp[] = [];
  for (const version of request.onlyIpv4 ? ([4] as const) : ([4, 6] as const)) {
    const candidates = subnets.filter((row) => row.ip_version === version);
    if (candidates.length === 0) continue;
    let address: FixedIp | undefined;
    for (const subnet of candidates) {
      const next = await nextFree(tx.db, subnet, result);
      if (next !== undefined) address = { subnet_id: subnet.id, ip_address: next };
      if (address !== undefined) break;
    }
    if (address === undefined) throw noAddressLeft(request.networkId);
    result.push(address);
  }
  return result;
}

/** Network and broadcast address of an IPv4 subnet belong to nobody. */
function isReserved(subnet: SubnetRow, address: string): boolean {
  const [network = '', prefix = '32'] = subnet.cidr.split('/');
  if (subnet.ip_version !== 4 || Number(prefix) >= 31) return false;
  const first = parseIp(network);
  const value = parseIp(address);
  return value === first || value === first + (1n << BigInt(32 - Number(prefix))) - 1n;
}

async function isTaken(db: Reader, subnetId: string, address: string): Promise<boolean> {
  const row = await db
    .selectFrom('fixed_ips')
    .select('port_id')
    .where('subnet_id', '=', subnetId)
    .where('ip_value', '=', addressValue(parseIp(address)))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A free address of the subnet's pools, or undefined when there is none left. */
async function nextFree(db: Reader, subnet: SubnetRow, taken: readonly FixedIp[]): Promise<string | undefined> {
  const version = subnet.ip_version as IpVersion;
  const alsoTaken = new Set(taken.map((item) => parseIp(item.ip_address)));
  for (const pool of subnet.allocation_pools) {
    const [first, last] = [parseIp(pool.start), parseIp(pool.end)];
    const value =
      last - first < SMALL_POOL
        ? await lowestGap(db, subnet.id, first, last, alsoTaken)
        : await sparseAddress(db, subnet.id, first, last, alsoTaken);
    if (value !== undefined) return formatIp(value, version);
  }
  return undefined;
}

async function usedBetween(db: Reader, subnetId: string, first: bigint, last: bigint): Promise<Set<string>> {
  const rows = await db
    .selectFrom('fixed_ips')
    .select('ip_value')
    .where('subnet_id', '=', subnetId)
    .where('ip_value', '>=', addressValue(first))
    .where('ip_value', '<=', addressValue(last))
    .execute();
  return new Set(rows.map((row) => row.ip_value));
}

async function lowestGap(db: Reader, subnetId: string, first: bigint, last: bigint, also: ReadonlySet<bigint>) {
  const used = await usedBetween(db, subnetId, first, last);
  for (let value = first; value <= last; value++) {
    if (!used.has(addressValue(value)) && !also.has(value)) return value;
  }
  return undefined;
}

/** One past the highest used address; when the end is reached, a random free one; when those are rare, the lowest gap. */
async function sparseAddress(db: Reader, subnetId: string, first: bigint, last: bigint, also: ReadonlySet<bigint>) {
  const highest = await db
    .selectFrom('fixed_ips')
    .select((expression) => expression.fn.max('ip_value').as('value'))
    .where('subnet_id', '=', subnetId)
    .where('ip_value', '>=', addressValue(first))
    .where('ip_value', '<=', addressValue(last))
    .limit(1)
    .executeTakeFirst();
  let next = highest?.value ? BigInt(`0x${highest.value}`) + 1n : first;
  while (also.has(next)) next++;
  if (next <= last) return next;
  for (let probe = 0; probe < PROBES; probe++) {
    const span = last - first + 1n;
    const value = first + BigInt(randomInt(Number(span > 0xffffffffn ? 0xffffffffn : span)));
    const row = await db
      .selectFrom('fixed_ips')
      .select('port_id')
      .where('subnet_id', '=', subnetId)
      .where('ip_value', '=', addressValue(value))
      .limit(1)
      .executeTakeFirst();
    if (row === undefined && !also.has(value)) return value;
  }
  return lowestGap(db, subnetId, first, last, also);
}

/** Writes a port's addresses in place of those it had. */
export async function writeAddresses(
  tx: Transaction,
  portId: string,
  networkId: string,
  fixedIps: readonly FixedIp[],
): Promise<void> {
  await tx.db.deleteFrom('fixed_ips').where('port_id', '=', portId).execute();
  if (fixedIps.length === 0) return;
  await tx.db
    .insertInto('fixed_ips')
    .values(
      fixedIps.map((item, position) => ({
        port_id: portId,
        network_id: networkId,
        subnet_id: item.subnet_id,
        ip_address: item.ip_address,
        ip_value: addressValue(parseIp(item.ip_address)),
        position,
      })),
    )
    .execute();
}

const addressesOf = compiledQuery((db, { portIds }: { portIds: string[] }) =>
  db
    .selectFrom('fixed_ips')
    .select(['port_id', 'subnet_id', 'ip_address'])
    .where(among('port_id', portIds))
    .orderBy('port_id')
    .orderBy('position'),
);

/** Addresses of many ports at once, in their ports' order. */
export async function loadAddresses(db: Reader, portIds: string[]): Promise<Map<string, FixedIp[]>> {
  const found = new Map<string, FixedIp[]>();
  if (portIds.length === 0) return found;
  const rows = await addressesOf(db, { portIds });
  for (const { port_id: portId, ...item } of rows) {
    const list = found.get(portId);
    if (list === undefined) found.set(portId, [item]);
    else list.push(item);
  }
  return found;
}

/** The first IPv4 address of a list. */
export const firstIpv4 = (fixedIps: readonly FixedIp[]): FixedIp | undefined =>
  fixedIps.find((item) => ipVersion(item.ip_address) === 4);
