import { badRequest } from '@portward/model/api-error.ts';
import type { Reader } from '../store/store.ts';
import { parseFields, project, type QueryString } from './list-query.ts';

/** A subnet that floating IPs come from. */
interface FloatingIpPool extends Record<string, unknown> {
  subnet_id: string;
  subnet_name: string;
  cidr: string;
  network_id: string;
  project_id: string;
  tenant_id: string;
}

const COLUMNS = ['subnet_id', 'subnet_name', 'cidr', 'network_id', 'project_id', 'tenant_id'];

/** IPv4 subnets of external networks, for everyone; each column is a filter. */
export async function floatingIpPools(db: Reader, query: QueryString): Promise<Record<string, unknown>[]> {
  const { fields: _fields, ...filters } = query;
  const unknown = Object.keys(filters).filter((key) => !COLUMNS.includes(key));
  if (unknown.length > 0) {
    throw badRequest(`[${unknown.map((key) => `'${key}'`).join(', ')}] is invalid attribute for filtering`);
  }
  const rows = await db
    .selectFrom('subnets')
    .innerJoin('networks', 'networks.id', 'subnets.network_id')
    .select([
      'subnets.id as subnet_id',
      'subnets.name as subnet_name',
      'subnets.cidr',
      'subnets.network_id',
      'subnets.project_id',
    ])
    .where('networks.router_external', '=', true)
    .where('subnets.ip_version', '=', 4)
    .orderBy('subnets.id')
    .execute();
  const pools: FloatingIpPool[] = rows.map((row) => ({ ...row, tenant_id: row.project_id }));
  return pools
    .filter((pool) => Object.entries(filters).every(([key, value]) => [value].flat().includes(pool[key] as string)))
    .map((pool) => project(pool, parseFields(query)));
}
