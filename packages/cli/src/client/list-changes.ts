import type { Json, JsonObject } from './cell.ts';
import { isObject, pythonRepr } from './cell.ts';
import type { Call, ListChange, Resource } from './command.ts';
import { ClientError } from './errors.ts';

/** Puts what there is beside what the options add, unless an option says to forget it. */
export function addToLists(
  changes: readonly ListChange[] | undefined,
  attrs: JsonObject,
  { values }: Call,
  current: JsonObject,
): void {
  for (const { attr, clear, givenFirst } of changes ?? []) {
    const cleared = clear !== undefined && values.has(clear);
    const given = listOf(attrs[attr]);
    if (given.length === 0 && !cleared) continue;
    const old = cleared ? [] : listOf(current[attr]);
    attrs[attr] = givenFirst === true ? [...given, ...old] : [...old, ...given];
  }
}

/**
 * Leaves of what there is what the options do not name.
 *
 * @throws ClientError for an item that is not there.
 */
export function removeFromLists(
  resource: Resource,
  changes: readonly ListChange[] | undefined,
  attrs: JsonObject,
  current: JsonObject,
): void {
  for (const { attr, name, names = same } of changes ?? []) {
    if (attrs[attr] === undefined) continue;
    const left = listOf(current[attr]);
    for (const item of listOf(attrs[attr])) {
      const index = left.findIndex((other) => names(item, other));
      if (index < 0) {
        const shown = typeof item === 'string' ? item : pythonRepr(item);
        throw new ClientError(`${resource.label} does not contain ${name} ${shown}`);
      }
      left.splice(index, 1);
    }
    attrs[attr] = left;
  }
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? [...value] : [];
}

function same(a: Json, b: Json): boolean {
  if (!isObject(a) || !isObject(b)) return a === b;
  return Object.keys(a).length === Object.keys(b).length && covers(a, b);
}

/** Does every part given agree? `ip-address=…` alone is enough to name a fixed IP. */
export function covers(given: Json, item: Json): boolean {
  if (!isObject(given) || !isObject(item)) return false;
  const keys = Object.keys(given);
  return keys.length > 0 && keys.every((key) => given[key] === item[key]);
}
