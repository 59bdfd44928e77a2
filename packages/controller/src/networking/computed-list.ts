import { toBoolean } from '@portward/model/attribute.ts';
import { present, type Resource } from '@portward/model/resource.ts';
import type { Caller } from '../caller.ts';
import { type ListQuery, parseListQuery, project, type QueryString } from './list-query.ts';

type Body = Record<string, unknown>;

/** Checks the query of a list that is computed and has no table; throws Neutron's 400s. */
export const parseComputedQuery = (definition: Resource, query: QueryString): ListQuery =>
  parseListQuery(definition, query, {});

/** Narrows a computed list by the query's filters and `fields`, and presents it. It is short: pages mean nothing. */
export function computedList(definition: Resource, objects: Body[], asked: ListQuery, caller: Caller): Body[] {
  const filters = [...asked.filters];
  return objects
    .filter((object) => filters.every(([key, values]) => matches(object[key], values)))
    .map((object) => project(present(definition, object, caller), asked.fields));
}

/** An attribute that the objects do not have narrows nothing here: whoever computed them has looked at it. */
function matches(value: unknown, wanted: readonly string[]): boolean {
  if (value === undefined) return true;
  if (typeof value === 'boolean') return wanted.some((text) => toBoolean(text) === value);
  return wanted.includes(String(value));
}
