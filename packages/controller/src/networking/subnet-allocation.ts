import { type Cidr, formatIp, type IpVersion, parseCidr } from '@portward/model/ip-address.ts';
import { rangesToCidrs, subtractRanges } from '@portward/model/ip-ranges.ts';
import type { Subnet } from '@portward/model/subnet.ts';
import { subnetPool } from '@portward/model/subnet-pool.ts';
import type { Caller } from '../caller.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import {
  badResource,
  noBlockLeft,
  poolQuotaExceeded,
  poolsDiffer,
  prefixTooLong,
  prefixTooShort,
  scopesDiffer,
} from './errors.ts';
import { requireVisible } from './shared-access.ts';
import { allocatedBlocks, defaultPool } from './subnet-pool.ts';

type PoolRow = Database['subnetpools'];

/** What a request for a subnet says of its block. */
export type BlockRequest = Pick<Subnet, 'ip_version'> &
  Partial<Pick<Subnet, 'cidr' | 'prefixlen' | 'subnetpool_id' | 'use_default_subnetpool' | 'allocation_pools'>> & {
    readonly project_id: string;
  };

/** A block for a subnet, and the pool that it is from. */
export interface Block {
  readonly block: Cidr;
  readonly poolId: string | null;
}

/** Prefix length of the unit in which a pool's quota counts: an IPv4 address, an IPv6 /64 (Neutron). */
const QUOTA_UNITS: Record<IpVersion, number> = { 4: 32, 6: 64 };

/**
 * Decides a new subnet's block: the one it names, or one that the pool chooses. Within a write transaction nobody else
 * can get the same. Throws Neutron's 400s, 404 of a pool that the caller may not see, 409 when the pool has none left.
 */
export async function allocateBlock(
  db: Reader,
  networkId: string,
  request: BlockRequest,
  caller: Caller,
): Promise<Block> {
  const { cidr, ip_version: version } = request;
  const length = request.prefixlen ?? undefined;
  if (cidr !== undefined && length !== undefined) {
    throw badResource('subnets', 'cidr and prefixlen must not be supplied together.');
  }
  const poolId = await choosePool(db, request, caller);
  if (poolId === undefined) {
    if (cidr === undefined) throw badResource('subnets', 'a subnetpool must be specified in the absence of a cidr.');
    await checkNeighbours(db, networkId, version, undefined);
    return { block: parseCidr(cidr) as Cidr, poolId: null };
  }
  if (cidr === undefined && request.allocation_pools !== undefined) {
    throw badResource('subnets', 'allocation_pools allowed only for specific subnet requests..');
  }
  await requireVisible(db, subnetPool, [poolId], caller);
  const pool = await db.selectFrom('subnetpools').selectAll().where('id', '=', poolId).executeTakeFirstOrThrow();
  if (pool.ip_version !== version) {
    throw badResource('subnets', `Cannot allocate IPv${version} subnet from IPv${pool.ip_version} subnet pool.`);
  }
  await checkNeighbours(db, networkId, version, pool);
  const named = cidr === undefined ? undefined : (parseCidr(cidr) as Cidr);
  const prefix = named?.prefix ?? length ?? pool.default_prefixlen;
  if (prefix > pool.max_prefixlen) throw prefixTooLong(prefix, pool.max_prefixlen);
  if (prefix < pool.min_prefixlen) throw prefixTooShort(prefix, pool.min_prefixlen);
  const taken = await allocatedBlocks(db, pool.id);
  refuseOverQuota(pool, taken, request.project_id, prefix);
  const free = freeBlocks(
    pool,
    taken.map((row) => parseCidr(row.cidr) as Cidr),
  );
  return { block: named === undefined ? smallestFit(free, version, prefix) : exactFit(free, named), poolId };
}

async function choosePool(db: Reader, request: BlockRequest, caller: Caller): Promise<string | undefined> {
  const { subnetpool_id: named, use_default_subnetpool: byDefault, ip_version: version } = request;
  if (named && byDefault) {
    throw badResource('subnets', 'subnetpool_id and use_default_subnetpool cannot both be specified.');
  }
  if (named) return named;
  if (!byDefault) return undefined;
  const chosen = await defaultPool(db, version, caller);
  if (chosen === undefined) throw badResource('subnets', `No default subnetpool found for IPv${version}.`);
  return chosen;
}

/** Subnets of one family and network are all of one pool, or all of pools of one address scope, or all of none. */
async function checkNeighbours(
  db: Reader,
  networkId: string,
  version: IpVersion,
  pool: PoolRow | undefined,
): Promise<void> {
  const neighbours = await db
    .selectFrom('subnets')
    .leftJoin('subnetpools', 'subnetpools.id', 'subnets.subnetpool_id')
    .select(['subnets.subnetpool_id', 'subnetpools.address_scope_id'])
    .where('subnets.network_id', '=', networkId)
    .where('subnets.ip_version', '=', version)
    .execute();
  const scope = neighbours.find((row) => row.address_scope_id !== null)?.address_scope_id;
  if (scope !== undefined) {
    if (pool !== undefined && pool.address_scope_id !== scope) throw scopesDiffer();
    if (pool !== undefined) return;
  }
  if (neighbours.some((row) => row.subnetpool_id !== (pool?.id ?? null))) throw poolsDiffer();
}

function refuseOverQuota(
  pool: PoolRow,
  taken: readonly { cidr: string; project_id: string }[],
  projectId: string,
  prefix: number,
): void {
  if (!pool.default_quota) return;
  const units = (length: number) => 2 ** (QUOTA_UNITS[pool.ip_version] - length);
  const used = taken
    .filter((row) => row.project_id === projectId)
    .reduce((sum, row) => sum + units((parseCidr(row.cidr) as Cidr).prefix), 0);
  if (used + units(prefix) > pool.default_quota) throw poolQuotaExceeded();
}

/** What is left of the pool, in as few blocks as possible, in order. */
function freeBlocks(pool: PoolRow, taken: readonly Cidr[]): Cidr[] {
  const prefixes = pool.prefixes.map((prefix) => parseCidr(prefix) as Cidr);
  return rangesToCidrs(subtractRanges(prefixes, taken), pool.ip_version);
}

/** The start of the smallest free block that is large enough, the lowest of equals: large ones stay whole. */
function smallestFit(free: readonly Cidr[], version: IpVersion, prefix: number): Cidr {
  let best: Cidr | undefined;
  for (const block of free) {
    if (block.prefix <= prefix && (best === undefined || block.prefix > best.prefix)) best = block;
  }
  if (best === undefined) throw noBlockLeft(`Insufficient prefix space to allocate subnet size /${prefix}`);
  return parseCidr(`${formatIp(best.first, version)}/${prefix}`) as Cidr;
}

function exactFit(free: readonly Cidr[], wanted: Cidr): Cidr {
  if (free.some((block) => block.first <= wanted.first && wanted.last <= block.last)) return wanted;
  throw noBlockLeft('Cannot allocate requested subnet from the available set of prefixes');
}
