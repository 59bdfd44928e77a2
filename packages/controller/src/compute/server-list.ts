import type { FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';
import { queryFlag, queryText } from '../identity/request-body.ts';
import type { Reader } from '../store/store.ts';
import { findDeleted } from './deleted-servers.ts';
import { badCompute, policyForbids } from './errors.ts';
import type { ServerNetworking, ServerPort } from './networking-port.ts';
import { type Page, pageOf } from './page.ts';
import { tagsOf } from './server-document.ts';
import { statesOf } from './server-status.ts';
import type { ServerRow } from './servers.ts';
import { compilePattern } from './text-pattern.ts';

type Test = (row: ServerRow) => boolean;

/** Query parameters that are compared with a column as they stand. */
const COLUMNS = {
  uuid: 'id',
  user_id: 'user_id',
  flavor: 'flavor_id',
  image: 'image_id',
  key_name: 'key_name',
  availability_zone: 'availability_zone',
} as const;

/** Columns that a list may be sorted by, under the names that queries have for them. */
const SORT_KEYS: ReadonlyMap<string, keyof ServerRow> = new Map(
  Object.entries({
    created_at: 'created_at',
    updated_at: 'updated_at',
    display_name: 'name',
    display_description: 'description',
    uuid: 'id',
    vm_state: 'status',
    host: 'host',
    project_id: 'project_id',
    user_id: 'user_id',
    key_name: 'key_name',
    image_ref: 'image_id',
    instance_type_id: 'flavor_id',
    availability_zone: 'availability_zone',
    locked: 'locked',
  } as const),
);

/** The page of servers that a query asks for, newest first unless it says otherwise. Throws 400, and 403 of others' projects. */
export async function listServers(
  db: Reader,
  networking: ServerNetworking,
  caller: Caller,
  request: FastifyRequest,
  path: 'servers' | 'servers/detail',
): Promise<Page<ServerRow>> {
  const { query } = request;
  const tests = testsOf(query, caller);
  if (queryFlag(query, 'deleted') === true && caller.isAdmin) return { items: [], links: undefined };
  const visible = await visibleServers(db, caller, query);
  let rows = visible.filter((row) => tests.every((test) => test(row)));
  rows = await filterByTags(db, rows, query);
  rows = await filterByAddress(db, networking, rows, query);
  const marker = queryText(query, 'marker');
  if (marker !== undefined && !rows.some(({ id }) => id === marker)) {
    // Where it would be: a list may go on after what it does not hold, or holds no more.
    const place = visible.find(({ id }) => id === marker) ?? (await findDeleted(db, caller, marker));
    if (place !== undefined) rows = [...rows, place];
  }
  return pageOf(request, path, sorted(rows, query));
}

async function visibleServers(db: Reader, caller: Caller, query: unknown): Promise<ServerRow[]> {
  const everyone = allTenants(query);
  const project = queryText(query, 'project_id') ?? queryText(query, 'tenant_id');
  if (everyone && !caller.isAdmin) throw policyForbids('servers:detail:get_all_tenants');
  const wanted = everyone || (caller.isAdmin && project !== undefined) ? project : caller.projectId;
  let select = db.selectFrom('servers').selectAll();
  if (wanted !== undefined) select = select.where('project_id', '=', wanted);
  if (!everyone && !caller.isAdmin && project !== undefined) select = select.where('project_id', '=', project);
  return select.execute();
}

/** `all_tenants` alone, without a value, counts too. */
function allTenants(query: unknown): boolean {
  const text = queryText(query, 'all_tenants') ?? queryText(query, 'all_projects');
  if (text === undefined) return false;
  if (/^(1|t|true|on|y|yes|)$/i.test(text)) return true;
  if (/^(0|f|false|off|n|no)$/i.test(text)) return false;
  throw badCompute(`Invalid value '${text}' for all_tenants.`);
}

function testsOf(query: unknown, caller: Caller): Test[] {
  const tests: Test[] = [];
  const name = queryText(query, 'name');
  if (name !== undefined) {
    const matches = compilePattern(name);
    tests.push((row) => matches(row.name));
  }
  const status = queryText(query, 'status')?.toUpperCase();
  if (status !== undefined) tests.push((row) => row.status === status);
  const vmState = queryText(query, 'vm_state')?.toLowerCase();
  if (vmState !== undefined) tests.push((row) => statesOf(row).vm === vmState);
  const host = queryText(query, 'host');
  if (host !== undefined && caller.isAdmin) tests.push((row) => row.host === host);
  for (const [parameter, column] of Object.entries(COLUMNS)) {
    const wanted = queryText(query, parameter);
    if (wanted !== undefined) tests.push((row) => row[column] === wanted);
  }
  const locked = queryFlag(query, 'locked');
  if (locked !== undefined) tests.push((row) => row.locked === locked);
  const since = readTime(query, 'changes-since');
  if (since !== undefined) tests.push((row) => Date.parse(row.updated_at) >= since);
  const before = readTime(query, 'changes-before');
  if (before !== undefined) tests.push((row) => Date.parse(row.updated_at) <= before);
  return tests;
}

function readTime(query: unknown, name: string): number | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw badCompute(`Invalid value '${text}' for ${name}.`);
  return time;
}

/** tags: has all; tags-any: has one; not-tags: lacks one; not-tags-any: has none. Lists are comma separated. */
async function filterByTags(db: Reader, rows: ServerRow[], query: unknown): Promise<ServerRow[]> {
  const [all, any, notAll, notAny] = ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map((name) =>
    queryText(query, name)?.split(','),
  );
  if (all === undefined && any === undefined && notAll === undefined && notAny === undefined) return rows;
  const tags = await tagsOf(
    db,
    rows.map((row) => row.id),
  );
  return rows.filter(({ id }) => {
    const has = (tag: string) => tags.get(id)?.includes(tag) ?? false;
    return (all?.every(has) ?? true) && (any?.some(has) ?? true) && !notAll?.every(has) && !notAny?.some(has);
  });
}

/** `ip` and `ip6` match any part of a fixed address. */
async function filterByAddress(
  db: Reader,
  networking: ServerNetworking,
  rows: ServerRow[],
  query: unknown,
): Promise<ServerRow[]> {
  const patterns = (['ip', 'ip6'] as const).flatMap((name) => {
    const text = queryText(query, name);
    return text === undefined ? [] : [{ isVersion6: name === 'ip6', matches: compilePattern(text) }];
  });
  if (patterns.length === 0) return rows;
  const ports = await networking.portsOf(
    db,
    rows.map((row) => row.id),
  );
  const addresses = (list: readonly ServerPort[]) =>
    list.flatMap((port) => port.fixed_ips.map(({ ip_address: address }) => address));
  return rows.filter(({ id }) =>
    patterns.every(({ isVersion6, matches }) =>
      addresses(ports.get(id) ?? []).some((address) => address.includes(':') === isVersion6 && matches(address)),
    ),
  );
}

function sorted(rows: readonly ServerRow[], query: unknown): ServerRow[] {
  const keys = queryTexts(query, 'sort_key').map((key) => {
    const column = SORT_KEYS.get(key);
    if (column === undefined) throw badCompute(`Sort key supplied is not valid: ${key}`);
    return column;
  });
  const directions = queryTexts(query, 'sort_dir');
  const columns: (keyof ServerRow)[] = [...new Set([...keys, 'created_at' as const, 'id' as const])];
  return rows.toSorted((a, b) => {
    for (const [index, column] of columns.entries()) {
      const [left, right] = [String(a[column] ?? ''), String(b[column] ?? '')];
      if (left !== right) return left < right === (directions[index] === 'asc') ? -1 : 1;
    }
    return 0;
  });
}

function queryTexts(query: unknown, name: string): string[] {
  const value = (query as Record<string, unknown>)[name];
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}
