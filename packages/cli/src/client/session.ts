import { ApiError, type Service } from './api-error.ts';
import { type AuthSettings, authRequest } from './auth.ts';
import type { Json, JsonObject } from './cell.ts';
import { isObject } from './cell.ts';
import { ConnectError } from './errors.ts';

export { ApiError, type Service } from './api-error.ts';
export type { AuthSettings } from './auth.ts';

type QueryValue = string | number | boolean | null | undefined;

/** Query parameters; a list repeats its parameter, `undefined` and `null` leave it out. */
export type Query = { readonly [name: string]: QueryValue | readonly QueryValue[] };

/** The parts of a request beside its path. */
export interface RequestParts {
  readonly query?: Query;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of an API; `body` is null where it had none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** Told of every request and its status; never sees tokens, passwords or bodies. */
export type Trace = (line: string) => void;

/** What the token says of itself (the `token` object of Identity v3). */
export type TokenBody = JsonObject;

/**
 * A signed-in user: one token, one catalog, and requests to the services in it.
 *
 * A token that expires while the session lives is renewed once per refused request.
 */
export class Session {
  readonly auth: AuthSettings;
  #token: string;
  #body: TokenBody;
  readonly #trace: Trace;

  private constructor(auth: AuthSettings, signedIn: SignedIn, trace: Trace) {
    this.auth = auth;
    this.#token = signedIn.token;
    this.#body = signedIn.body;
    this.#trace = trace;
  }

  /**
   * Signs in with one `POST /v3/auth/tokens`.
   *
   * @throws ApiError when the Identity service refuses, ConnectError when it cannot be reached.
   */
  static async connect(auth: AuthSettings, trace: Trace = () => {}): Promise<Session> {
    prepareTls(auth);
    return new Session(auth, await signIn(auth, trace), trace);
  }

  /** The token itself: a secret, printed by nothing but `token issue`. */
  get token(): string {
    return this.#token;
  }

  /** The token's description: user, project, roles, catalog, expiry. */
  get tokenBody(): TokenBody {
    return this.#body;
  }

  /** The project the token is scoped to, if any. */
  get projectId(): string | undefined {
    const project = this.#body.project;
    return isObject(project) && typeof project.id === 'string' ? project.id : undefined;
  }

  /** The user the token belongs to. */
  get userId(): string | undefined {
    const user = this.#body.user;
    return isObject(user) && typeof user.id === 'string' ? user.id : undefined;
  }

  /** The services of the catalog. */
  get catalog(): readonly JsonObject[] {
    const catalog = this.#body.catalog;
    return Array.isArray(catalog) ? catalog.filter(isObject) : [];
  }

  /**
   * Base URL of a service, without a trailing slash and, for identity, with its version.
   *
   * @throws ConnectError when the catalog has no such endpoint in the interface and region asked for.
   */
  endpoint(service: Service): string {
    // Not in any catalog: it is served beside the networking API.
    if (service === 'portward') return `${this.endpoint('network').replace(/\/networking$/, '')}/portward/v1`;
    const { interface: wanted, region } = this.auth;
    for (const entry of this.catalog) {
      if (entry.type !== service || !Array.isArray(entry.endpoints)) continue;
      for (const endpoint of entry.endpoints) {
        if (!isObject(endpoint) || endpoint.interface !== wanted) continue;
        const regions = [endpoint.region, endpoint.region_id];
        if (region !== undefined && !regions.includes(region)) continue;
        if (typeof endpoint.url === 'string') return serviceRoot(service, endpoint.url);
      }
    }
    const where = region === undefined ? '' : ` in ${region} region`;
    throw new ConnectError(`${wanted} endpoint for ${service} service${where} not found`);
  }

  /**
   * One request to a service. Paths of network, image and compute begin as their APIs are written
   * (`/v2.0/ports`, `/v2/images`, `/servers`), those of identity after the version (`/projects`).
   *
   * @throws ApiError for any answer from 400 on, ConnectError when the service cannot be reached.
   */
  async request(service: Service, method: string, path: string, parts: RequestParts = {}): Promise<Answer> {
    const url = this.endpoint(service) + path + queryText(parts.query);
    let response = await this.#send(method, url, parts);
    if (response.status === 401) {
      const renewed = await signIn(this.auth, this.#trace);
      this.#token = renewed.token;
      this.#body = renewed.body;
      response = await this.#send(method, url, parts);
    }
    const body = await readBody(response);
    if (response.status >= 400) {
      const requestId = response.headers.get('x-openstack-request-id') ?? undefined;
      throw new ApiError({ service, status: response.status, url, body, requestId });
    }
    return { status: response.status, headers: response.headers, body };
  }

  #send(method: string, url: string, { body, headers }: RequestParts): Promise<Response> {
    const all: Record<string, string> = { Accept: 'application/json', ...headers, 'X-Auth-Token': this.#token };
    return send(method, url, all, body, this.#trace);
  }
}

interface SignedIn {
  readonly token: string;
  readonly body: TokenBody;
}

async function signIn(auth: AuthSettings, trace: Trace): Promise<SignedIn> {
  const url = `${auth.authUrl}/auth/tokens`;
  const response = await send('POST', url, { Accept: 'application/json' }, authRequest(auth), trace);
  const body = await readBody(response);
  const requestId = response.headers.get('x-openstack-request-id') ?? undefined;
  if (response.status === 404 || (response.status < 400 && !response.headers.has('x-subject-token'))) {
    throw new ConnectError(`${auth.authUrl} does not answer as an Identity v3 service. Check the auth URL.`);
  }
  if (response.status >= 400) {
    const failure = { service: 'identity' as const, status: response.status, url, body, requestId };
    const error = new ApiError(failure);
    throw new ConnectError(error.message);
  }
  const token = isObject(body) ? body.token : null;
  return { token: response.headers.get('x-subject-token') ?? '', body: isObject(token) ? token : {} };
}

async function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: Json | undefined,
  trace: Trace,
): Promise<Response> {
  trace(`REQ: ${method} ${url}`);
  const init: RequestInit = { method, headers, redirect: 'manual' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers['Content-Type'] = 'application/json';
  }
  try {
    const response = await fetch(url, init);
    trace(`RESP: [${response.status}] ${response.headers.get('x-openstack-request-id') ?? ''}`.trimEnd());
    return response;
  } catch (error) {
    throw new ConnectError(unreachable(url, error));
  }
}

/** What went wrong on the way to a URL, and what to do about it. */
function unreachable(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = isObject(cause) || cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
  if (code === 'ECONNREFUSED') {
    return `Unable to establish connection to ${url}: connection refused. Start the controller (portward up) or check the auth URL.`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `Unable to establish connection to ${url}: the host name is unknown. Check the auth URL.`;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const certificate = typeof code === 'string' && /CERT|SELF_SIGNED|TLS/.test(code);
  const advice = certificate ? ' Give the CA with --os-cacert, or --insecure to skip the check.' : '';
  return `Unable to establish connection to ${url}: ${reason}.${advice}`;
}

/** Keeps integers exact that a number cannot hold: a `/64` has 2^64 addresses. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  const beyond = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return beyond && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

async function readBody(response: Response): Promise<Json> {
  const text = await response.text();
  if (text === '') return null;
  try {
    return JSON.parse(text, exactly) as Json;
  } catch {
    return text;
  }
}

function serviceRoot(service: Service, url: string): string {
  const root = url.replace(/\/+$/, '');
  if (service === 'identity') return /\/v3$/.test(root) ? root : `${root}/v3`;
  if (service === 'compute') return root;
  // The catalog normally names the root of these; a version in it would be doubled by the paths.
  return root.replace(/\/v2(\.\d+)?$/, '');
}

function queryText(query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const item of Array.isArray(value) ? (value as readonly QueryValue[]) : [value as QueryValue]) {
      if (item === undefined || item === null) continue;
      // Booleans as the openstack client sends them.
      parameters.append(name, item === true ? 'True' : item === false ? 'False' : String(item));
    }
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function prepareTls(auth: AuthSettings): void {
  // The built-in fetch takes no TLS options; Node's process-wide settings are what it reads.
  if (auth.insecure) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  auth.trustCa?.();
}
