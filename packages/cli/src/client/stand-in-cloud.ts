/** A small cloud for the tests of the client: canned objects behind HTTP on 127.0.0.1, every request written down. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json, JsonObject } from './cell.ts';
import { isObject } from './cell.ts';
import { tokenBody } from './stand-in-ids.ts';
import { FIXTURES } from './stand-in-objects.ts';

/** One request as the cloud saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path with its query, decoded. */
  readonly path: string;
  readonly body: Json;
  readonly headers: IncomingMessage['headers'];
}

/** An answer that takes the place of the usual one. */
export interface CannedAnswer {
  readonly status: number;
  readonly body?: Json;
}

/** A running test cloud. */
export interface StandInCloud extends AsyncDisposable {
  readonly url: string;
  /** OS_… variables that sign in to it. */
  readonly env: Record<string, string>;
  readonly requests: SeenRequest[];
  /** Requests after signing in, as `METHOD path`. */
  readonly calls: () => string[];
  /** Answers one request in its own way: the key is `METHOD /path` without the query. */
  readonly answers: Map<string, CannedAnswer>;
}

const WRAPPERS: Record<string, string> = {
  networks: 'network',
  subnets: 'subnet',
  ports: 'port',
  routers: 'router',
  floatingips: 'floatingip',
  port_forwardings: 'port_forwarding',
  'security-groups': 'security_group',
  'security-group-rules': 'security_group_rule',
  extensions: 'extension',
  agents: 'agent',
  projects: 'project',
  users: 'user',
  roles: 'role',
  domains: 'domain',
  role_assignments: 'role_assignment',
  servers: 'server',
  flavors: 'flavor',
  images: '',
};

/** Starts the cloud on a free port of 127.0.0.1. */
export async function startStandInCloud(port = 0): Promise<StandInCloud> {
  const requests: SeenRequest[] = [];
  const answers = new Map<string, CannedAnswer>();
  const server = createServer((request, response) => {
    void collect(request).then((body) => {
      const path = decodeURIComponent((request.url ?? '').replaceAll('+', ' '));
      requests.push({ method: request.method ?? '', path, body, headers: request.headers });
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const own = answers.get(`${request.method} ${(request.url ?? '').split('?', 1)[0]}`);
      if (own !== undefined) send(response, own.status, own.body ?? null);
      else answer(request, body, base, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: {
      OS_AUTH_URL: `${url}/v3`,
      OS_USERNAME: 'alice',
      OS_PASSWORD: 'wonderland-secret',
      OS_PROJECT_NAME: 'shop',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_IDENTITY_API_VERSION: '3',
    },
    requests,
    calls: () =>
      requests.filter(({ path }) => !/^\/v3(\/auth\/tokens|\/?)$/.test(path)).map((r) => `${r.method} ${r.path}`),
    answers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function collect(request: IncomingMessage): Promise<Json> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? null : (JSON.parse(text) as Json);
}

function send(response: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'X-Openstack-Request-Id': 'req-00000000-0000-4000-8000-000000000001',
    ...headers,
  });
  response.end(body === null ? '' : JSON.stringify(body));
}

function answer(request: IncomingMessage, body: Json, base: string, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', base);
  const method = request.method ?? 'GET';
  if (url.pathname === '/v3' || url.pathname === '/v3/') {
    const links = [{ rel: 'self', href: `${base}/v3/` }];
    send(response, 200, { version: { id: 'v3.14', status: 'stable', updated: '2020-04-07T00:00:00Z', links } });
    return;
  }
  if (url.pathname === '/image' || url.pathname === '/image/') {
    const links = [{ rel: 'self', href: `${base}/image/v2/` }];
    send(response, 300, { versions: [{ id: 'v2.9', status: 'CURRENT', links }] });
    return;
  }
  if (url.pathname === '/v3/auth/tokens') {
    signIn(method, body, base, response);
    return;
  }
  const parts = url.pathname
    .replace(/^\/(v2\.0|v3|v2\.1|image\/v2)\//, '')
    .split('/')
    .map(decodeURIComponent)
    .filter((part) => part !== 'detail');
  resource(method, parts, url, body, response);
}

function signIn(method: string, body: Json, base: string, response: ServerResponse): void {
  const unauthorized = { error: { code: 401, message: 'The request you have made requires authentication.' } };
  if (method === 'POST' && JSON.stringify(body).includes('wrong')) send(response, 401, unauthorized);
  else send(response, method === 'POST' ? 201 : 200, { token: tokenBody(base) }, { 'X-Subject-Token': 'tok-123' });
}

function resource(method: string, parts: string[], url: URL, body: Json, response: ServerResponse): void {
  const [last = '', before = ''] = [parts.at(-1), parts.at(-2)];
  if (last === 'tags') {
    send(response, 200, body);
    return;
  }
  if (
    /_router_interface$|^action$/.test(last) ||
    method === 'DELETE' ||
    (parts.includes('roles') && parts.length > 2)
  ) {
    if (method === 'PUT')
      send(response, last.includes('interface') ? 200 : 204, last.includes('interface') ? {} : null);
    else if (method === 'DELETE' && findObject(before, last) === undefined) notFound(before, last, response);
    else if (method === 'DELETE') send(response, 204, null);
    else send(response, 200, list(last, url));
    return;
  }
  if (WRAPPERS[last] !== undefined) {
    if (method === 'POST') created(last, body, response);
    else send(response, 200, list(last, url));
    return;
  }
  const found = findObject(before, last);
  if (found === undefined) notFound(before, last, response);
  else if (method === 'GET') send(response, 200, wrapped(before, found));
  else send(response, 200, wrapped(before, { ...found, ...inner(before, body) }));
}

function inner(collection: string, body: Json): JsonObject {
  const value = isObject(body) ? body[WRAPPERS[collection] ?? ''] : null;
  return isObject(value) ? value : {};
}

function created(collection: string, body: Json, response: ServerResponse): void {
  const [example = {}] = FIXTURES[collection] ?? [];
  const object = { ...example, ...inner(collection, body) };
  send(response, collection === 'servers' ? 202 : 201, wrapped(collection, object));
}

function wrapped(collection: string, object: JsonObject): Json {
  const key = WRAPPERS[collection] ?? '';
  return key === '' ? object : { [key]: object };
}

function findObject(collection: string, id: string): JsonObject | undefined {
  return (FIXTURES[collection] ?? []).find((item) => (collection === 'extensions' ? item.alias : item.id) === id);
}

function notFound(collection: string, id: string, response: ServerResponse): void {
  const message = `${WRAPPERS[collection] ?? collection} ${id} could not be found.`;
  const neutron = { NeutronError: { type: 'NotFound', message, detail: '' } };
  send(response, 404, collection === 'servers' ? { itemNotFound: { code: 404, message } } : neutron);
}

function list(collection: string, url: URL): Json {
  const filters = [...url.searchParams].filter(([name]) => isFilter(FIXTURES[collection]?.[0]?.[name]));
  const fields = url.searchParams.getAll('fields');
  const items = (FIXTURES[collection] ?? [])
    .filter((item) => filters.every(([name, value]) => String(item[name]).toLowerCase() === value.toLowerCase()))
    .map((item) => (fields.length === 0 ? item : selected(item, fields)));
  const key = collection.replaceAll('-', '_');
  return url.pathname.startsWith('/v3/') ? { [key]: items, links: { next: null } } : { [key]: items };
}

function isFilter(example: Json | undefined): boolean {
  return example !== undefined && (example === null || typeof example !== 'object');
}

function selected(item: JsonObject, fields: string[]): JsonObject {
  const names = fields.map((name) => (name === 'security_group_ids' ? 'security_groups' : name));
  return Object.fromEntries(names.filter((name) => item[name] !== undefined).map((name) => [name, item[name] ?? null]));
}
