import { badRequest } from '@portward/model/api-error.ts';
import {
  type Cidr,
  cidrsOverlap,
  formatCidr,
  formatIp,
  ipVersion,
  parseCidr,
  parseIp,
} from '@portward/model/ip-address.ts';
import { network as networkDefinition } from '@portward/model/network.ts';
import { ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import { type AllocationPool, type HostRoute, subnet } from '@portward/model/subnet.ts';
import { sql } from 'kysely';
import type { Reader } from '../store/store.ts';
import { addAutomaticAddresses, isAutomatic, portsThatNeed, removeSubnetAddresses } from './automatic-address.ts';
import { insertObject, updateObject } from './collection.ts';
import {
  foreignNetwork,
  gatewayConflict,
  gatewayInUse,
  invalidArgument,
  poolInvalid,
  poolOutOfBounds,
  poolsOverlap,
  subnetInUse,
  tooManyHostRoutes,
  tooManyNameservers,
} from './errors.ts';
import { touchNetwork } from './network.ts';
import { requireNetwork } from './network-access.ts';
import type { Rules } from './rules.ts';
import { ensureDhcpPort } from './scheduling.ts';
import { openedIds } from './shared-access.ts';
import { allocateBlock } from './subnet-allocation.ts';
import { loadTags, removeTags } from './tags.ts';

const MOST_NAMESERVERS = 5;
const MOST_HOST_ROUTES = 20;

/** Rules of subnets: of one's own networks, and of shared ones to look at. */
export const subnetRules: Rules<typeof subnet> = {
  definition: subnet,

  // Others' subnets of its networks and of those that are shared with it.
  alsoVisible(caller) {
    const own = sql`select id from networks where project_id = ${caller.projectId}`;
    const shared = openedIds(networkDefinition, caller, 'access_as_shared');
    const foreign = sql`subnets.project_id <> ${caller.projectId}`;
    return [
      sql<boolean>`(subnets.network_id in (${own}) and ${foreign})`,
      sql<boolean>`(subnets.network_id in (${shared}) and subnets.network_id not in (${own}) and ${foreign})`,
    ];
  },

  async load(db, rows) {
    const tags = await loadTags(
      db,
      rows.map((row) => row.id),
    );
    return rows.map((row) => ({
      ...row,
      prefixlen: null,
      use_default_subnetpool: false,
      tags: tags.get(row.id) ?? [],
    }));
  },

  async create(tx, values, { caller }) {
    const network = await requireNetwork(tx.db, values.network_id as string, caller);
    if (!caller.isAdmin && network.project_id !== caller.projectId) throw foreignNetwork(caller.projectId, 'subnet');
    const version = values.ip_version as 4 | 6;
    if (values.cidr !== undefined) requireVersion('cidr', values.cidr, version);
    const { block, poolId } = await allocateBlock(tx.db, network.id, { ...values, ip_version: version }, caller);
    if (block.prefix === 0) throw invalidArgument('0 is not allowed as CIDR prefix length');
    const cidr = formatCidr(block);
    const dhcp = values.enable_dhcp ?? true;
    if (dhcp) checkDhcp(block);
    checkIpv6Modes(version, block.prefix, dhcp, values.ipv6_ra_mode ?? null, values.ipv6_address_mode ?? null);
    const others = await tx.db
      .selectFrom('subnets')
      .select(['id', 'cidr'])
      .where('network_id', '=', network.id)
      .execute();
    if (others.some((other) => cidrsOverlap(parseCidr(other.cidr) as Cidr, block))) {
      throw invalidArgument(
        `Requested subnet with cidr: ${cidr} for network: ${network.id} overlaps with another subnet`,
      );
    }
    const gateway = values.gateway_ip === undefined ? firstHost(block) : values.gateway_ip;
    checkGateway(block, gateway);
    const pools = values.allocation_pools ?? defaultPools(block, gateway);
    checkPools(block, gateway, pools);
    checkServices('subnet', version, values.dns_nameservers ?? [], values.host_routes ?? []);
    const id = await insertObject(tx, subnet, {
      ...values,
      project_id: values.project_id,
      cidr,
      subnetpool_id: poolId,
      gateway_ip: gateway,
      allocation_pools: pools,
    });
    tx.changed('subnet', id);
    await touchNetwork(tx, network.id);
    const modes = {
      ipv6_ra_mode: values.ipv6_ra_mode ?? null,
      ipv6_address_mode: values.ipv6_address_mode ?? null,
    };
    if (isAutomatic(modes)) await addAutomaticAddresses(tx, { id, network_id: network.id, cidr });
    await ensureDhcpPort(tx, network.id);
    return id;
  },

  async update(tx, current, values) {
    const block = parseCidr(current.cidr) as Cidr;
    const gateway = values.gateway_ip === undefined ? current.gateway_ip : values.gateway_ip;
    const pools = values.allocation_pools ?? current.allocation_pools;
    if (values.gateway_ip !== undefined && values.gateway_ip !== current.gateway_ip) {
      checkGateway(block, gateway);
      const user =
        current.gateway_ip === null ? undefined : await routerPortWith(tx.db, current.id, current.gateway_ip);
      if (user !== undefined) throw gatewayInUse(current.gateway_ip as string, user);
    }
    if (values.gateway_ip !== undefined || values.allocation_pools !== undefined) checkPools(block, gateway, pools);
    if (values.enable_dhcp === true && !current.enable_dhcp) checkDhcp(block);
    if (values.enable_dhcp === false && (current.ipv6_ra_mode !== null || current.ipv6_address_mode !== null)) {
      throw invalidArgument('Cannot disable enable_dhcp with ipv6 attributes set');
    }
    checkServices(current.id, current.ip_version, values.dns_nameservers ?? [], values.host_routes ?? []);
    await updateObject(tx, subnet, current.id, values);
    tx.changed('subnet', current.id);
    await ensureDhcpPort(tx, current.network_id);
  },

  async remove(tx, current) {
    if ((await portsThatNeed(tx.db, current)).length > 0) throw subnetInUse(current.id);
    await removeSubnetAddresses(tx, current.id);
    await removeTags(tx, current.id);
    await tx.db.deleteFrom('subnets').where('id', '=', current.id).execute();
    tx.deleted('subnet', current.id);
    await touchNetwork(tx, current.network_id);
    await ensureDhcpPort(tx, current.network_id);
  },
};

function checkIpv6Modes(
  version: 4 | 6,
  prefix: number,
  dhcp: boolean,
  ra: string | null,
  address: string | null,
): void {
  for (const [name, mode] of [
    ['ipv6_ra_mode', ra],
    ['ipv6_address_mode', address],
  ] as const) {
    if (mode === null) continue;
    if (version === 4) throw invalidArgument(`${name} is not valid when ip_version is 4`);
    if (!dhcp) {
      throw invalidArgument('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False');
    }
    if (mode !== 'dhcpv6-stateful' && prefix !== 64) {
      throw invalidArgument(
        `Invalid CIDR for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
      );
    }
  }
  if (ra !== null && address !== null && ra !== address) {
    throw invalidArgument(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. If both attributes are set, they must be the same value`,
    );
  }
}

const LOOPBACK = [parseCidr('127.0.0.0/8'), parseCidr('::1/128')] as Cidr[];
const MULTICAST = [parseCidr('224.0.0.0/4'), parseCidr('ff00::/8')] as Cidr[];

function requireVersion(name: string, value: string, version: number): void {
  if (parseCidr(value)?.version !== version) {
    throw invalidArgument(`${name} '${value}' does not match the ip_version '${version}'`);
  }
}

/** Whether a DHCP server can serve the block. */
function checkDhcp(block: Cidr): void {
  if (block.prefix > (block.version === 4 ? 30 : 126)) {
    throw invalidArgument('Subnet has a prefix length that is incompatible with DHCP service enabled');
  }
  if (MULTICAST.some((range) => cidrsOverlap(range, block))) {
    throw invalidArgument('Multicast IP subnet is not supported if enable_dhcp is True');
  }
  if (LOOPBACK.some((range) => cidrsOverlap(range, block))) {
    throw invalidArgument('Loopback IP subnet is not supported if enable_dhcp is True');
  }
  if (block.version === 4 && block.first === 0n) {
    throw invalidArgument("First IP '0.0.0.0' of network is not supported if enable_dhcp is True");
  }
}

/** First host address: Neutron master's default gateway for both families. */
const firstHost = (block: Cidr): string =>
  formatIp(block.last - block.first <= 1n ? block.first : block.first + 1n, block.version);

function checkGateway(block: Cidr, gateway: string | null): void {
  if (gateway === null) return;
  requireVersion('gateway_ip', gateway, block.version);
  const value = parseIp(gateway);
  const edge = value === block.first || (block.version === 4 && value === block.last);
  const small = block.last - block.first <= 1n;
  if (edge && !small) throw invalidArgument('Gateway is not valid on subnet');
}

/** Everything but network address, broadcast address (IPv4) and gateway, which may split the range. */
function defaultPools(block: Cidr, gateway: string | null): AllocationPool[] {
  const small = block.last - block.first <= 1n;
  const first = small ? block.first : block.first + 1n;
  const last = small || block.version === 6 ? block.last : block.last - 1n;
  const hole = gateway === null ? undefined : parseIp(gateway);
  const pool = (from: bigint, to: bigint): AllocationPool[] =>
    from > to ? [] : [{ start: formatIp(from, block.version), end: formatIp(to, block.version) }];
  if (hole === undefined || hole < first || hole > last) return pool(first, last);
  return [...pool(first, hole - 1n), ...pool(hole + 1n, last)];
}

function checkPools(block: Cidr, gateway: string | null, pools: readonly AllocationPool[]): void {
  const text = (pool: AllocationPool) => `${pool.start}-${pool.end}`;
  const cidr = `${formatIp(block.first, block.version)}/${block.prefix}`;
  const ranges = pools.map((pool) => {
    if (ipVersion(pool.start) !== block.version || ipVersion(pool.end) !== block.version) throw poolInvalid(text(pool));
    const [first, last] = [parseIp(pool.start), parseIp(pool.end)];
    if (first > last) throw poolInvalid(text(pool));
    const edges = block.version === 4 && block.last - block.first > 1n;
    if (first < block.first + (edges ? 1n : 0n) || last > block.last - (edges ? 1n : 0n))
      throw poolOutOfBounds(text(pool), cidr);
    if (gateway !== null && first <= parseIp(gateway) && parseIp(gateway) <= last)
      throw gatewayConflict(gateway, text(pool));
    return { first, last, text: text(pool) };
  });
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1));
  for (const [index, range] of ranges.entries()) {
    const next = ranges[index + 1];
    if (next !== undefined && next.first <= range.last) throw poolsOverlap(range.text, next.text, cidr);
  }
}

function checkServices(
  id: string,
  version: number,
  nameservers: readonly string[],
  routes: readonly HostRoute[],
): void {
  if (nameservers.length > MOST_NAMESERVERS) throw tooManyNameservers(id);
  const twice = nameservers.find((server, index) => nameservers.indexOf(server) !== index);
  if (twice !== undefined)
    throw badRequest(`Invalid input for dns_nameservers. Reason: Duplicate nameserver '${twice}'.`);
  if (routes.length > MOST_HOST_ROUTES) throw tooManyHostRoutes(id);
  for (const route of routes) {
    requireVersion('nexthop', route.nexthop, version);
    requireVersion('destination', route.destination, version);
  }
}

async function routerPortWith(db: Reader, subnetId: string, address: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('fixed_ips')
    .innerJoin('ports', 'ports.id', 'fixed_ips.port_id')
    .select('ports.id')
    .where('fixed_ips.subnet_id', '=', subnetId)
    .where('fixed_ips.ip_address', '=', address)
    .where('ports.device_owner', 'in', [...ROUTER_INTERFACE_OWNERS])
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}
