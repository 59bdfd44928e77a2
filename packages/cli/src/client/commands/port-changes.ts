import type { Json, JsonObject } from '../cell.ts';
import { isObject, pythonRepr } from '../cell.ts';
import type { Call } from '../command.ts';
import { ClientError, UsageError } from '../errors.ts';
import { keyValues } from '../parse.ts';

const LISTS = [
  { attr: 'fixed_ips', clear: '--no-fixed-ip', name: 'fixed-ip' },
  { attr: 'security_groups', clear: '--no-security-group', name: 'security group' },
  { attr: 'allowed_address_pairs', clear: '--no-allowed-address', name: 'allowed-address-pair' },
] as const;

/** One DHCP option as the API takes it. */
export function extraDhcpOption(text: string): Json {
  const { name = '', value, 'ip-version': version } = keyValues(text);
  return {
    opt_name: name,
    ...(value === undefined ? {} : { opt_value: value }),
    ...(version === undefined ? {} : { ip_version: version }),
  };
}

/**
 * `port set` adds to a port's lists; the `--no-…` form empties them first. What is in a list already is not added
 * again: the API refuses a group named twice.
 */
export function addToLists(attrs: JsonObject, { values }: Call, current: JsonObject): void {
  for (const { attr, clear } of LISTS) {
    const added = listOf(attrs[attr]);
    if (added.length === 0 && !values.has(clear)) continue;
    const old = values.has(clear) ? [] : listOf(current[attr]);
    attrs[attr] = [...old, ...added.filter((item) => !old.some((other) => same(other, item)))];
  }
}

/**
 * `port unset` takes items out of a port's lists, and keys out of its binding profile.
 *
 * @throws ClientError for an item that is not there.
 */
export function removeFromPort(attrs: JsonObject, { values }: Call, current: JsonObject): void {
  for (const { attr, name } of LISTS) {
    if (attrs[attr] === undefined) continue;
    const left = listOf(current[attr]);
    for (const item of listOf(attrs[attr])) {
      const index = left.findIndex((other) => same(other, item) || (attr === 'fixed_ips' && covers(item, other)));
      if (index < 0) {
        const shown = typeof item === 'string' ? item : pythonRepr(item);
        throw new ClientError(`Port does not contain ${name} ${shown}`);
      }
      left.splice(index, 1);
    }
    attrs[attr] = left;
  }
  const keys = values.texts('--binding-profile');
  if (keys.length === 0) return;
  const profile = isObject(current['binding:profile']) ? { ...current['binding:profile'] } : {};
  for (const key of keys) {
    if (profile[key] === undefined) throw new ClientError(`Port does not contain binding-profile ${key}`);
    delete profile[key];
  }
  attrs['binding:profile'] = profile;
}

/** Adds `--binding-profile` pairs or JSON to a profile; `--no-binding-profile` starts from an empty one. */
export function mergeProfile(attrs: JsonObject, { values }: Call, current: JsonObject): void {
  const texts = values.texts('--binding-profile');
  const clear = values.has('--no-binding-profile');
  if (texts.length === 0 && !clear) return;
  const profile: JsonObject = clear ? {} : { ...current };
  for (const text of texts) Object.assign(profile, profilePart(text));
  attrs['binding:profile'] = profile;
}

function profilePart(text: string): JsonObject {
  try {
    const parsed = JSON.parse(text) as Json;
    if (isObject(parsed)) return parsed;
  } catch {
    // Not JSON: a pair.
  }
  const equals = text.indexOf('=');
  if (equals > 0) return { [text.slice(0, equals)]: text.slice(equals + 1) };
  throw new UsageError(`argument --binding-profile: expected '<key>=<value>' or JSON data, but got: ${text}`);
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? [...value] : [];
}

function same(a: Json, b: Json): boolean {
  if (!isObject(a) || !isObject(b)) return a === b;
  return Object.keys(a).length === Object.keys(b).length && covers(a, b);
}

/** Does every part given agree? `ip-address=…` alone is enough to name a fixed IP. */
function covers(given: Json, item: Json): boolean {
  if (!isObject(given) || !isObject(item)) return false;
  const keys = Object.keys(given);
  return keys.length > 0 && keys.every((key) => given[key] === item[key]);
}
