import { readFileSync } from 'node:fs';
import { type JsonSchema, TEXT } from '@portward/model/json-schema.ts';
import type { FastifyInstance } from 'fastify';
import type { Operation, Outcome } from '../../operation.ts';
import { ROOMS, roomOf } from './rooms.ts';
import { routeSummary } from './route-summary.ts';

/** A route as it was registered. */
export interface Route {
  readonly method: string;
  /** `/networking/v2.0/networks/:id` */
  readonly path: string;
  readonly operation: (() => Operation) | undefined;
  /** Whether it needs no token. */
  readonly open: boolean;
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

export type PathItem = Readonly<Record<string, OperationObject>>;

/** One operation of the document. */
export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly ParameterObject[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

export interface ParameterObject {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** Remembers every route that is registered from now on. */
export function rememberRoutes(app: FastifyInstance): readonly Route[] {
  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const operation = config?.operation;
    if (operation === 'hidden') return;
    const path = url.replace(/(?<=.)\/+$/, '');
    for (const name of Array.isArray(method) ? method : [method]) {
      if (name === 'HEAD' || routes.some((route) => route.method === name && route.path === path)) continue;
      routes.push({ method: name, path, operation, open: config?.open === true });
    }
  });
  return routes;
}

const REFUSED_TOKEN = 'IdentityError';

/** The document of these routes. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const room of ROOMS) schemas[room.errorName] = room.error;
  for (const route of routes) {
    const operation = route.operation?.() ?? {};
    Object.assign(schemas, operation.schemas);
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationObject(route, operation) };
  }
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const used = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags }) => tags)));
  return {
    openapi: '3.1.1',
    info: { title: 'Portward', version, description: ABOUT },
    servers: [{ url: '/' }],
    tags: [...used].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'What `POST /identity/v3/auth/tokens` answers in `X-Subject-Token`.',
        },
        agentToken: { type: 'http', scheme: 'bearer', description: 'Of an agent: see agent.yaml.' },
      },
    },
  };
}

const ABOUT =
  'OpenStack’s Networking API v2.0 with floating IP port forwarding, as much of Identity v3, Compute v2.1 and Image v2 ' +
  'as its clients need, and what OpenStack has no place for under /portward/v1. Requests may say booleans and most ' +
  'numbers as text ("true", "1500"); answers do not. Every answer carries X-Openstack-Request-Id.';

function operationObject({ method, path, open }: Route, operation: Operation): OperationObject {
  const { forAgents = false, parameters = [], answers = { '2XX': { description: 'Done' } } } = operation;
  const room = roomOf(path);
  const inPath = [...path.matchAll(/:(\w+)/g)].map(
    ([, name]): ParameterObject => ({ name: name as string, in: 'path', required: true, schema: TEXT }),
  );
  const all = [...inPath, ...parameters];
  return {
    operationId: operation.operationId ?? operationId(method, path),
    summary: operation.summary ?? routeSummary(method, path),
    ...(operation.description !== undefined && { description: operation.description }),
    tags: [operation.group ?? room.tagOf(path)],
    security: open ? [] : [forAgents ? { agentToken: [] } : { token: [] }],
    ...(all.length > 0 && { parameters: all }),
    ...(operation.body !== undefined && { requestBody: { required: true, content: json(operation.body) } }),
    responses: responses(answers, room.errorName, !open),
  };
}

const json = (schema: JsonSchema, mediaType = 'application/json'): Content => ({ [mediaType]: { schema } });
const reference = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

function responses(
  answers: Readonly<Record<string, Outcome>>,
  errorName: string,
  guarded: boolean,
): OperationObject['responses'] {
  const all: Record<string, Outcome> = {
    ...answers,
    ...(guarded && { 401: { description: 'No token, or a void one', schema: reference(REFUSED_TOKEN) } }),
    default: { description: 'Refused' },
  };
  return Object.fromEntries(
    Object.entries(all).map(([status, { description, schema, mediaType }]) => {
      const shown = schema ?? (/^(4|default)/.test(status) ? reference(errorName) : undefined);
      return [status, { description, ...(shown !== undefined && { content: json(shown, mediaType) }) }];
    }),
  );
}

/** `getIdentityV3UsersById`: one for each method and path. */
function operationId(method: string, path: string): string {
  const words = path
    .replaceAll(':', 'by-')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return `${method.toLowerCase()}${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`;
}
