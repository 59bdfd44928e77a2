import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { AuthSources } from './auth.ts';
import type { Json, JsonObject } from './cell.ts';
import { isObject } from './cell.ts';
import { ConnectError } from './errors.ts';
import { readPlainYaml } from './plain-yaml.ts';

/**
 * One cloud of clouds.yaml, its secrets from secure.yaml beside it, its profile from clouds-public.yaml. Without a name: the only cloud of the file, if it
 * has just one.
 *
 * @throws ConnectError for a name that is not there or a file that is not YAML.
 */
export async function readCloud(name: string | undefined, sources: AuthSources): Promise<JsonObject | undefined> {
  const clouds = await firstFile('clouds', sources.env.OS_CLIENT_CONFIG_FILE, sources);
  const all = section(clouds);
  const names = Object.keys(all);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined) return undefined;
  const cloud = all[chosen];
  if (!isObject(cloud)) throw new ConnectError(`Cloud ${chosen} was not found.`);
  const whole = await withProfile(cloud, sources);
  const secure = section(await firstFile('secure', sources.env.OS_CLIENT_SECURE_FILE, sources))[chosen];
  return isObject(secure) ? merged(whole, secure) : whole;
}

/** A cloud that names a profile has, of clouds-public.yaml, what it does not say itself. */
async function withProfile(cloud: JsonObject, sources: AuthSources): Promise<JsonObject> {
  const name = cloud.profile ?? cloud.cloud;
  if (typeof name !== 'string') return cloud;
  const file = await firstFile('clouds-public', sources.env.OS_CLIENT_VENDOR_FILE, sources);
  const profiles = isObject(file) ? (file['public-clouds'] ?? null) : null;
  const profile = isObject(profiles) ? (profiles[name] ?? null) : null;
  return isObject(profile) ? merged(profile, cloud) : cloud;
}

function section(file: Json): JsonObject {
  const clouds = isObject(file) ? file.clouds : null;
  return isObject(clouds) ? clouds : {};
}

/** The first file of that name in the places the openstack client looks in. */
async function firstFile(base: string, override: string | undefined, sources: AuthSources): Promise<Json> {
  const home = sources.env.HOME;
  const config = sources.env.XDG_CONFIG_HOME ?? (home === undefined ? undefined : path.join(home, '.config'));
  const folders = [sources.cwd, ...(config === undefined ? [] : [path.join(config, 'openstack')]), '/etc/openstack'];
  const files = folders.flatMap((folder) => ['yaml', 'yml', 'json'].map((end) => path.join(folder, `${base}.${end}`)));
  for (const file of override === undefined || override === '' ? files : [override, ...files]) {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch {
      continue;
    }
    return readPlainYaml(text) ?? (await parsed(file, text));
  }
  return null;
}

async function parsed(file: string, text: string): Promise<Json> {
  const { parse } = await import('yaml');
  try {
    return parse(text) as Json;
  } catch (error) {
    // Only the place is told, never the line itself: it may hold a password.
    const line = (error as { linePos?: readonly { line: number }[] }).linePos?.[0]?.line;
    throw new ConnectError(`${file} is not valid YAML${line === undefined ? '' : ` (line ${line})`}`);
  }
}

function merged(base: JsonObject, over: JsonObject): JsonObject {
  const out: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = out[key];
    out[key] = isObject(old) && isObject(value) ? merged(old, value) : value;
  }
  return out;
}
