import { ApiError, badRequest, invalidInput } from '@portward/model/api-error.ts';
import { toBoolean } from '@portward/model/attribute.ts';
import { columnOf, type Resource } from '@portward/model/resource.ts';
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import { utcSeconds } from '../store/store.ts';

/** Query string as parsed: a repeated parameter has several values. */
export type QueryString = Readonly<Record<string, string | string[] | undefined>>;

// biome-ignore lint/suspicious/noExplicitAny: one query builder serves every table; the names come from the definitions
export type AnySelect = SelectQueryBuilder<any, any, any>;

/** A filter that is not a column: narrows the query to what matches any of the values. */
export type CustomFilter = (query: AnySelect, values: string[]) => AnySelect;

/** What a list or show asks for. */
export interface ListQuery {
  readonly filters: ReadonlyMap<string, string[]>;
  readonly fields: ReadonlySet<string>;
  readonly sort: readonly { key: string; descending: boolean }[];
  /** 0: all. */
  readonly limit: number;
  readonly marker: string | undefined;
  readonly reverse: boolean;
}

const CONTROL = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse']);
export const TAG_FILTERS: ReadonlySet<string> = new Set(['tags', 'tags-any', 'not-tags', 'not-tags-any']);
/** Largest value of an integer column on every database. */
const LARGEST_INTEGER = 2_147_483_647;
/** Names that clients use for an attribute in `fields`. */
const FIELD_ALIASES: Record<string, string> = { security_group_ids: 'security_groups' };

const valuesOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** The attributes that `fields` names, with what they are called in our bodies. */
export function parseFields(query: QueryString): Set<string> {
  return new Set(
    valuesOf(query.fields)
      .filter(Boolean)
      .map((name) => FIELD_ALIASES[name] ?? name),
  );
}

/** Keeps only the named attributes; an empty set keeps all. */
export function project(object: Record<string, unknown>, fields: ReadonlySet<string>): Record<string, unknown> {
  if (fields.size === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([key]) => fields.has(key)));
}

/** The attribute of that name, and not what every JavaScript object has under it. */
const attributeOf = (definition: Resource, name: string) =>
  Object.hasOwn(definition.attributes, name) ? definition.attributes[name] : undefined;

function isFilter(definition: Resource, key: string, custom: object): boolean {
  const declared = attributeOf(definition, key);
  return (
    Object.hasOwn(custom, key) ||
    (TAG_FILTERS.has(key) && definition.tagged) ||
    (key === 'changed_since' && attributeOf(definition, 'updated_at') !== undefined) ||
    (declared?.filter === true && !declared.internal)
  );
}

function isSortKey(definition: Resource, key: string): boolean {
  const declared = attributeOf(definition, key);
  return declared?.sort === true && !declared.internal;
}

/** What a list of the resource may be filtered by; `custom` names its rules' own filters. */
export function filterNames(definition: Resource, custom: readonly string[]): string[] {
  const attributes = Object.keys(definition.attributes);
  const candidates = new Set([...attributes, ...custom, ...TAG_FILTERS, 'changed_since']);
  const own = Object.fromEntries(custom.map((name) => [name, true]));
  const names = [...candidates].filter((name) => isFilter(definition, name, own));
  return names.includes('project_id') ? [...names, 'tenant_id'] : names;
}

/** What a list of the resource may be sorted by. */
export const sortKeys = (definition: Resource): string[] =>
  Object.keys(definition.attributes).filter((name) => isSortKey(definition, name));

/** Checks a list's query string against the definition; throws Neutron's 400s. */
export function parseListQuery(
  definition: Resource,
  query: QueryString,
  custom: Readonly<Record<string, CustomFilter>>,
  ignored: readonly string[] = [],
): ListQuery {
  const filters = new Map<string, string[]>();
  const wrong: string[] = [];
  for (const [rawKey, value] of Object.entries(query)) {
    if (CONTROL.has(rawKey) || ignored.includes(rawKey)) continue;
    const key = rawKey === 'tenant_id' ? 'project_id' : rawKey;
    if (isFilter(definition, key, custom)) filters.set(key, [...(filters.get(key) ?? []), ...valuesOf(value)]);
    else wrong.push(rawKey);
  }
  if (wrong.length > 0) {
    throw badRequest(
      `[${wrong
        .sort()
        .map((key) => `'${key}'`)
        .join(', ')}] is invalid attribute for filtering`,
    );
  }
  return {
    filters,
    fields: parseFields(query),
    sort: parseSort(definition, valuesOf(query.sort_key), valuesOf(query.sort_dir)),
    limit: parseLimit(valuesOf(query.limit)[0]),
    marker: valuesOf(query.marker)[0],
    reverse: toBoolean(valuesOf(query.page_reverse)[0]) === true,
  };
}

function parseSort(definition: Resource, keys: string[], directions: string[]): ListQuery['sort'] {
  if (keys.length !== directions.length) throw badRequest('The number of sort_keys and sort_dirs must be same');
  return keys.map((rawKey, index) => {
    const key = rawKey === 'tenant_id' ? 'project_id' : rawKey;
    if (!isSortKey(definition, key)) {
      throw badRequest(`['${rawKey}'] is invalid attribute for sort_keys`);
    }
    const direction = directions[index];
    if (direction !== 'asc' && direction !== 'desc') {
      throw badRequest(`['${direction}'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'`);
    }
    return { key, descending: direction === 'desc' };
  });
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(text)) {
    throw new ApiError(
      400,
      'BadRequest',
      `Bad limit request: Limit must be an integer 0 or greater and not '${text}'.`,
    );
  }
  return Number(text);
}

/** Columns, never null, behind an attribute that is shown computed and sorted by what is stored. */
const SORT_COLUMNS: Record<string, string> = {
  external_port: 'external_first',
  external_port_range: 'external_first',
};

/** Adds filters, order, marker and limit to a query on the resource's table. */
export async function applyListQuery(
  definition: Resource,
  base: AnySelect,
  asked: ListQuery,
  custom: Readonly<Record<string, CustomFilter>>,
): Promise<AnySelect> {
  let query = base;
  for (const [key, values] of asked.filters) query = applyFilter(definition, query, key, values, custom);
  const paging = asked.limit > 0 || asked.marker !== undefined;
  const order = [...asked.sort, { key: 'id', descending: false }].map(({ key, descending }) => ({
    expression: sortExpression(definition, key),
    column: SORT_COLUMNS[key] ?? columnOf(key),
    descending: descending !== (paging && asked.reverse),
  }));
  if (asked.marker !== undefined) {
    const marker = await base
      .select(order.map(({ expression }, index) => expression.as(`k${index}`)))
      .where(`${definition.table}.id`, '=', asked.marker)
      .limit(1)
      .executeTakeFirst();
    if (marker === undefined) throw definition.notFound(asked.marker);
    query = query.where(afterMarker(order, marker as Record<string, unknown>));
  }
  for (const { expression, descending } of order) query = query.orderBy(expression, descending ? 'desc' : 'asc');
  return asked.limit > 0 ? query.limit(asked.limit) : query;
}

/** Nulls sort before everything, on every database. */
function sortExpression(definition: Resource, key: string): RawBuilder<unknown> {
  const declared = definition.attributes[key];
  const column = sql.ref(`${definition.table}.${SORT_COLUMNS[key] ?? columnOf(key)}`);
  const mayBeNull =
    key !== 'id' && !Object.hasOwn(SORT_COLUMNS, key) && declared?.schema.safeParse(null).success === true;
  if (!mayBeNull) return sql`${column}`;
  return declared?.storage === 'integer' ? sql`coalesce(${column}, -1)` : sql`coalesce(${column}, '')`;
}

/** (a, b, id) > (x, y, z), written out because each key has a direction of its own. */
function afterMarker(
  order: { expression: RawBuilder<unknown>; descending: boolean }[],
  marker: Record<string, unknown>,
): RawBuilder<boolean> {
  const alternatives = order.map(({ expression, descending }, index) => {
    const equal = order.slice(0, index).map(({ expression: prior }, i) => sql`${prior} = ${marker[`k${i}`]}`);
    const beyond = descending
      ? sql`${expression} < ${marker[`k${index}`]}`
      : sql`${expression} > ${marker[`k${index}`]}`;
    return sql`(${sql.join([...equal, beyond], sql` and `)})`;
  });
  return sql<boolean>`(${sql.join(alternatives, sql` or `)})`;
}

function applyFilter(
  definition: Resource,
  query: AnySelect,
  key: string,
  values: string[],
  custom: Readonly<Record<string, CustomFilter>>,
): AnySelect {
  const own = custom[key];
  if (own !== undefined) return own(query, values);
  if (TAG_FILTERS.has(key)) return applyTagFilter(definition, query, key, values);
  if (key === 'changed_since') {
    return query.where(`${definition.table}.updated_at`, '>=', utcTime(values[0] ?? ''));
  }
  const declared = definition.attributes[key];
  const column = `${definition.table}.${columnOf(key)}`;
  if (declared?.storage === 'boolean') {
    const wanted = values.map((value) => {
      const converted = toBoolean(value);
      if (converted === undefined) throw invalidInput(`'${value}' cannot be converted to boolean`);
      return converted;
    });
    return query.where(column, 'in', wanted);
  }
  if (declared?.storage === 'integer') {
    const wanted = values.map((value) => {
      if (!/^-?\d+$/.test(value)) throw invalidInput(`'${value}' is not an integer`);
      return Number(value);
    });
    // What no column can hold, no row has.
    const possible = wanted.filter((value) => Math.abs(value) <= LARGEST_INTEGER);
    return possible.length === 0 ? query.where(sql<boolean>`1 = 0`) : query.where(column, 'in', possible);
  }
  return query.where(column, 'in', values);
}

/** A time as the store keeps it, from ISO 8601 text; without a zone it is UTC. Throws Neutron's 400. */
function utcTime(text: string): string {
  // A plus sign that was not escaped reaches us as a space.
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?:(Z)|([+ -])(\d\d):?(\d\d))?)?$/.exec(text);
  const [, day, time = '00:00', , sign, hours = '00', minutes = '00'] = match ?? [];
  const zone = sign === undefined ? 'Z' : `${sign === '-' ? '-' : '+'}${hours}:${minutes}`;
  const moment = new Date(`${day}T${time}${zone}`);
  if (match === null || Number.isNaN(moment.getTime())) {
    throw invalidInput(`The input ${text} must be in the following format: YYYY-MM-DDTHH:MM:SS[Z]`);
  }
  return utcSeconds(moment);
}

/** tags: has all; tags-any: has one; not-tags: lacks one; not-tags-any: has none. Lists are comma separated. */
function applyTagFilter(definition: Resource, query: AnySelect, key: string, values: string[]): AnySelect {
  const id = sql.ref(`${definition.table}.id`);
  const has = (tag: string) => sql<boolean>`exists (select 1 from tags where resource_id = ${id} and tag = ${tag})`;
  let result = query;
  for (const value of values) {
    const tags = value.split(',').map(has);
    const condition = sql<boolean>`(${sql.join(tags, key.endsWith('-any') ? sql` or ` : sql` and `)})`;
    result = result.where(key.startsWith('not-') ? sql<boolean>`not ${condition}` : condition);
  }
  return result;
}
