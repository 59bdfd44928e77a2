import type { Cidr } from '@portward/model/ip-address.ts';
import { parseCidr, parseIp } from '@portward/model/ip-address.ts';
import { networkIpAvailability, type SubnetAvailability } from '@portward/model/network-ip-availability.ts';
import type { Caller } from '../caller.ts';
import { among } from '../store/among.ts';
import type { Database } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { computedList, parseComputedQuery } from './computed-list.ts';
import type { QueryString } from './list-query.ts';

type Body = Record<string, unknown>;
type SubnetRow = Pick<Database['subnets'], 'id' | 'name' | 'network_id' | 'ip_version' | 'cidr' | 'allocation_pools'>;

/** Columns of networks by the filter that narrows by them. */
const NETWORK_FILTERS = { network_id: 'id', network_name: 'name', project_id: 'project_id' } as const;

/** How many addresses networks have and how many are taken; only admins see any. */
export async function listIpAvailability(db: Reader, query: QueryString, caller: Caller): Promise<Body[]> {
  const asked = parseComputedQuery(networkIpAvailability, query);
  if (!caller.isAdmin) return [];
  const versions = asked.filters.get('ip_version');
  let networks = db.selectFrom('networks').select(['id', 'name', 'project_id']).orderBy('id');
  for (const [filter, column] of Object.entries(NETWORK_FILTERS)) {
    const values = asked.filters.get(filter);
    if (values !== undefined) networks = networks.where(among(column, values));
  }
  const rows = await networks.execute();
  const subnets = await subnetsOf(
    db,
    rows.map((row) => row.id),
    versions,
  );
  const found = versions === undefined ? rows : rows.filter((row) => subnets.has(row.id));
  const objects = found.map((row) => {
    const parts = subnets.get(row.id) ?? [];
    return {
      network_id: row.id,
      network_name: row.name,
      project_id: row.project_id,
      total_ips: exact(parts.reduce((sum, part) => sum + part.total_ips, 0n)),
      used_ips: parts.reduce((sum, part) => sum + part.used_ips, 0),
      subnet_ip_availability: parts.map((part) => ({ ...part, total_ips: exact(part.total_ips) })),
    };
  });
  return computedList(networkIpAvailability, objects, asked, caller);
}

/** The addresses of one network; throws 404. */
export async function showIpAvailability(
  db: Reader,
  networkId: string,
  { fields }: QueryString,
  caller: Caller,
): Promise<Body> {
  const [found] = await listIpAvailability(db, { network_id: networkId, fields }, caller);
  if (found === undefined) throw networkIpAvailability.notFound(networkId);
  return found;
}

/** Subnets of the networks, by network, in the order of their making; only those of the IP versions, if any are given. */
async function subnetsOf(
  db: Reader,
  networkIds: string[],
  versions: readonly string[] | undefined,
): Promise<Map<string, SubnetAvailability[]>> {
  if (networkIds.length === 0) return new Map();
  let query = db
    .selectFrom('subnets')
    .select(['id', 'name', 'network_id', 'ip_version', 'cidr', 'allocation_pools'])
    .where(among('network_id', networkIds));
  if (versions !== undefined) query = query.where(among('ip_version', versions.map(Number).filter(Number.isInteger)));
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const used = await usedOf(
    db,
    rows.map((row) => row.id),
  );
  const found = new Map<string, SubnetAvailability[]>();
  for (const row of rows) {
    const part = {
      subnet_id: row.id,
      subnet_name: row.name,
      cidr: row.cidr,
      ip_version: row.ip_version,
      total_ips: sizeOf(row),
      used_ips: used.get(row.id) ?? 0,
    };
    const list = found.get(row.network_id);
    if (list === undefined) found.set(row.network_id, [part]);
    else list.push(part);
  }
  return found;
}

async function usedOf(db: Reader, subnetIds: string[]): Promise<Map<string, number>> {
  if (subnetIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('fixed_ips')
    .select(['subnet_id', (expression) => expression.fn.countAll<number>().as('used')])
    .where(among('subnet_id', subnetIds))
    .groupBy('subnet_id')
    .execute();
  return new Map(rows.map((row) => [row.subnet_id, Number(row.used)]));
}

/** Addresses that ports can be given by themselves: those of the pools; without pools, all (Neutron's way to count). */
function sizeOf({ cidr, allocation_pools: pools }: SubnetRow): bigint {
  if (pools.length === 0) {
    const block = parseCidr(cidr) as Cidr;
    return block.last - block.first + 1n;
  }
  return pools.reduce((sum, pool) => sum + parseIp(pool.end) - parseIp(pool.start) + 1n, 0n);
}

/** A number of which JSON shall show every digit: IPv6 subnets have more addresses than a double can count. */
const exact = (value: bigint): unknown => (JSON as unknown as RawJson).rawJSON(String(value));

/** Of ECMAScript, and not yet of TypeScript's library. */
interface RawJson {
  rawJSON(text: string): unknown;
}
