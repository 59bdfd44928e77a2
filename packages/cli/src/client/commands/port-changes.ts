import type { Json, JsonObject } from '../cell.ts';
import { isObject } from '../cell.ts';
import type { Call, ListChange } from '../command.ts';
import { ClientError, UsageError } from '../errors.ts';
import { covers } from '../list-changes.ts';
import { keyValues } from '../parse.ts';

/** What `port set` adds to and `port unset` takes from. */
export const PORT_LISTS: readonly ListChange[] = [
  { attr: 'fixed_ips', clear: '--no-fixed-ip', name: 'fixed-ip', names: covers },
  { attr: 'security_groups', clear: '--no-security-group', name: 'security group' },
  { attr: 'allowed_address_pairs', clear: '--no-allowed-address', name: 'allowed-address-pair' },
];

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
 * Takes keys out of a port's binding profile.
 *
 * @throws ClientError for a key that is not there.
 */
export function removeProfileKeys(attrs: JsonObject, { values }: Call, current: JsonObject): void {
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
