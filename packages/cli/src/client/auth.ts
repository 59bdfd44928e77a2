import type { Json, JsonObject } from './cell.ts';
import { isObject, pythonText } from './cell.ts';
import { ConnectError } from './errors.ts';

/** Who signs in, where and to what; made by `authSettings` or by hand. */
export interface AuthSettings {
  /** Identity endpoint with its version, no trailing slash: `http://127.0.0.1:5000/v3`. */
  readonly authUrl: string;
  readonly method: 'password' | 'token' | 'application_credential';
  /** The method's own object of the sign-in request: user and password, token id, or credential. A secret. */
  readonly secret: JsonObject;
  /** Scope of the token; absent for application credentials, which bring their own. */
  readonly scope?: JsonObject;
  readonly interface: 'public' | 'internal' | 'admin';
  readonly region?: string;
  /** Microversion asked of the compute API. */
  readonly computeVersion: string;
  readonly insecure: boolean;
  /** Makes this process trust the CA that was configured. */
  readonly trustCa?: () => void;
}

/** The body of `POST /v3/auth/tokens`. */
export function authRequest(auth: AuthSettings): Json {
  const identity = { methods: [auth.method], [auth.method]: auth.secret };
  return { auth: auth.scope === undefined ? { identity } : { identity, scope: auth.scope } };
}

/** The settings' names, as `--os-<name>` and `OS_<NAME>` spell them. */
export const AUTH_NAMES = [
  'auth-url',
  'auth-type',
  'username',
  'user-id',
  'password',
  'user-domain-name',
  'user-domain-id',
  'project-name',
  'project-id',
  'project-domain-name',
  'project-domain-id',
  'domain-name',
  'domain-id',
  'default-domain',
  'system-scope',
  'token',
  'application-credential-id',
  'application-credential-name',
  'application-credential-secret',
  'region-name',
  'interface',
  'identity-api-version',
  'compute-api-version',
  'network-api-version',
  'image-api-version',
  'cacert',
  'cloud',
] as const;

export type AuthName = (typeof AUTH_NAMES)[number];

/** Values of settings by name; a source that does not know a setting leaves it out. */
export type AuthValues = { [name in AuthName]?: string };

/** Where settings come from. */
export interface AuthSources {
  /** `--os-…` options. */
  readonly options: AuthValues;
  readonly insecure: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Gathers the sign-in settings: options first, then OS_… variables, then the cloud of clouds.yaml.
 *
 * @throws ConnectError naming what is missing.
 */
export async function authSettings(sources: AuthSources): Promise<AuthSettings> {
  const given: AuthValues = { ...environmentValues(sources.env), ...sources.options };
  const file = await cloudValues(given, sources);
  const values: AuthValues = { ...file.values, ...given };
  const url = values['auth-url'];
  if (url === undefined) {
    const type = values['auth-type'] ?? 'password';
    throw new ConnectError(
      `Missing value auth-url required for auth plugin ${type}\n` +
        'Name a cloud of clouds.yaml with --os-cloud or OS_CLOUD, or set OS_AUTH_URL and the other OS_… variables.',
    );
  }
  const method = authMethod(values);
  const scope = method === 'application_credential' ? undefined : authScope(values);
  const region = values['region-name'];
  const caFile = values.cacert;
  const trustCa = caFile === undefined ? undefined : await caLoader(caFile);
  return {
    authUrl: versionedUrl(url),
    method,
    secret: authSecret(method, values),
    ...(scope === undefined ? {} : { scope }),
    interface: interfaceName(values.interface),
    ...(region === undefined ? {} : { region }),
    computeVersion: computeVersion(values['compute-api-version']),
    insecure: sources.insecure || file.insecure,
    ...(trustCa === undefined ? {} : { trustCa }),
  };
}

/** Older names that scripts still export. */
const OLD_NAMES: Readonly<Record<string, AuthName>> = {
  OS_ENDPOINT_TYPE: 'interface',
  OS_TENANT_NAME: 'project-name',
  OS_TENANT_ID: 'project-id',
};

function environmentValues(env: AuthSources['env']): AuthValues {
  const values: AuthValues = {};
  const take = (name: AuthName, variable: string): void => {
    const value = env[variable];
    if (value !== undefined && value !== '') values[name] ??= value;
  };
  for (const name of AUTH_NAMES) take(name, `OS_${name.toUpperCase().replaceAll('-', '_')}`);
  for (const [variable, name] of Object.entries(OLD_NAMES)) take(name, variable);
  return values;
}

interface CloudValues {
  readonly values: AuthValues;
  readonly insecure: boolean;
}

async function cloudValues(given: AuthValues, sources: AuthSources): Promise<CloudValues> {
  const name = given.cloud;
  // With an auth URL and no cloud named, no file is read at all.
  if (name === undefined && given['auth-url'] !== undefined) return { values: {}, insecure: false };
  const { readCloud } = await import('./clouds.ts');
  const cloud = await readCloud(name, sources);
  if (cloud === undefined) return { values: {}, insecure: false };
  const values: AuthValues = {};
  const layers: Json[] = [cloud, cloud.auth ?? null];
  for (const layer of layers) {
    if (!isObject(layer)) continue;
    for (const setting of AUTH_NAMES) {
      const value = layer[setting.replaceAll('-', '_')];
      if (value !== undefined && value !== null) values[setting] = pythonText(value);
    }
  }
  const endpointType = cloud.endpoint_type;
  if (typeof endpointType === 'string') values.interface ??= endpointType;
  return { values, insecure: cloud.verify === false || cloud.insecure === true };
}

function authMethod(values: AuthValues): AuthSettings['method'] {
  const type = values['auth-type']?.replace(/^v3/, '');
  if (type === 'password' || type === 'token') return type;
  if (type === 'applicationcredential' || type === 'application_credential') return 'application_credential';
  if (type !== undefined) {
    throw new ConnectError(
      `The auth type ${values['auth-type']} is not one of password, token, v3applicationcredential`,
    );
  }
  if (values['application-credential-id'] !== undefined || values['application-credential-name'] !== undefined) {
    return 'application_credential';
  }
  return values.token !== undefined && values.password === undefined ? 'token' : 'password';
}

function authSecret(method: AuthSettings['method'], values: AuthValues): JsonObject {
  if (method === 'token') return { id: required(values, 'token', method) };
  if (method === 'application_credential') {
    const secret = required(values, 'application-credential-secret', 'v3applicationcredential');
    const id = values['application-credential-id'];
    if (id !== undefined) return { id, secret };
    return {
      name: required(values, 'application-credential-id', 'v3applicationcredential'),
      secret,
      user: user(values),
    };
  }
  return { user: { ...user(values), password: required(values, 'password', method) } };
}

function required(values: AuthValues, name: AuthName, plugin: string): string {
  const value = name === 'application-credential-id' ? values['application-credential-name'] : values[name];
  if (value === undefined) throw new ConnectError(`Missing value ${name} required for auth plugin ${plugin}`);
  return value;
}

function user(values: AuthValues): JsonObject {
  const id = values['user-id'];
  if (id !== undefined) return { id };
  const name = required(values, 'username', 'password');
  return { name, domain: domain(values['user-domain-id'], values['user-domain-name'], values) };
}

function authScope(values: AuthValues): JsonObject | undefined {
  if (values['system-scope'] !== undefined) return { system: { all: true } };
  const id = values['project-id'];
  if (id !== undefined) return { project: { id } };
  const name = values['project-name'];
  if (name !== undefined) {
    return { project: { name, domain: domain(values['project-domain-id'], values['project-domain-name'], values) } };
  }
  const domainId = values['domain-id'];
  if (domainId !== undefined) return { domain: { id: domainId } };
  const domainName = values['domain-name'];
  return domainName === undefined ? undefined : { domain: { name: domainName } };
}

/** The domain given, else the default domain, as the openstack client supplies it. */
function domain(id: string | undefined, name: string | undefined, values: AuthValues): JsonObject {
  if (id !== undefined) return { id };
  if (name !== undefined) return { name };
  return { id: values['default-domain'] ?? 'default' };
}

function versionedUrl(url: string): string {
  const root = url.replace(/\/+$/, '');
  if (/\/v3$/.test(root)) return root;
  return `${root.replace(/\/v2\.0$/, '')}/v3`;
}

function interfaceName(text: string | undefined): AuthSettings['interface'] {
  const name = (text ?? 'public').replace(/URL$/, '');
  if (name === 'public' || name === 'internal' || name === 'admin') return name;
  throw new ConnectError(`The interface ${name} is not one of public, internal, admin`);
}

/** A major version alone means the lowest microversion, as the openstack client 6.0 takes it. */
function computeVersion(text: string | undefined): string {
  return text !== undefined && /^2\.\d+$/.test(text) ? text : '2.1';
}

async function caLoader(file: string): Promise<() => void> {
  const { readFile } = await import('node:fs/promises');
  const tls = await import('node:tls');
  let pem: string;
  try {
    pem = await readFile(file, 'utf8');
  } catch {
    throw new ConnectError(`Cannot read the CA file ${file}`);
  }
  return () => tls.setDefaultCACertificates([...tls.getCACertificates(), pem]);
}
