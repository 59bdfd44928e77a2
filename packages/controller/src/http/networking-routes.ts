import { Readable } from 'node:stream';
import { invalidInput } from '@portward/model/api-error.ts';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { availabilityZones } from '../networking/availability-zones.ts';
import type { Collection, Page } from '../networking/collection.ts';
import { EXTENSIONS } from '../networking/extensions.ts';
import { floatingIpPools } from '../networking/floating-ip-pools.ts';
import type { QueryString } from '../networking/list-query.ts';
import type { Networking } from '../networking/networking.ts';
import type { Context } from '../networking/rules.ts';
import { checkTags, type TagCollection } from '../networking/tags.ts';
import { HIDDEN } from '../operation.ts';
import { otherRequestsTurn } from '../turn.ts';
import { agentSchedulingRoutes } from './agent-scheduling-routes.ts';
import { type Authenticator, baseUrl, requireToken } from './authentication.ts';
import { availabilityRoutes } from './availability-routes.ts';
import { answerNetworkingError, methodNotAllowed, noSuchPath } from './networking-errors.ts';
import { actionOperation, collectionOperation } from './openapi/collection-operations.ts';
import {
  extensionOperations,
  interfaceOperation,
  routesOperation,
  tagOperations,
  versionsOperation,
} from './openapi/networking-operations.ts';
import { quotaRoutes } from './quota-routes.ts';
import { createBodies, outerObject, pluralKey, singleBody } from './resource-body.ts';

type Params = Record<string, string>;

/** Revision that an `If-Match: revision_number=N` header asks for; other values of the header mean nothing. */
function ifMatch(request: FastifyRequest): number | undefined {
  const match = /^revision_number=(\d+)$/.exec(request.headers['if-match']?.trim() ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** Links to the neighbouring pages: the same query with another marker. */
function pageLinks(request: FastifyRequest, page: Page): { rel: string; href: string }[] {
  if (page.limit === 0 || page.first === undefined || page.last === undefined) return [];
  const [path = '', query = ''] = request.url.split('?');
  const href = (marker: string, reverse: boolean): string => {
    const parameters = new URLSearchParams(query);
    parameters.delete('page_reverse');
    parameters.set('marker', marker);
    if (reverse) parameters.set('page_reverse', 'True');
    return `${baseUrl(request)}${path}?${parameters}`;
  };
  // Only a page that is not full is known to be the last one in the direction in which it was asked for.
  const full = page.items.length === page.limit;
  const links: { rel: string; href: string }[] = [];
  if (full || page.reverse) links.push({ rel: 'next', href: href(page.last, false) });
  if (full || !page.reverse) links.push({ rel: 'previous', href: href(page.first, true) });
  return links;
}

/** The Networking API, below `/networking`. */
export function networkingRoutes(networking: Networking, identity: Authenticator): FastifyPluginAsync {
  const contextOf = (request: FastifyRequest): Context => ({ caller: request.caller, settings: networking.settings });

  return async (root) => {
    root.setErrorHandler(answerNetworkingError);
    root.setNotFoundHandler(() => {
      throw noSuchPath();
    });

    const version = (request: FastifyRequest) => ({
      id: 'v2.0',
      status: 'CURRENT',
      links: [{ rel: 'self', href: `${baseUrl(request)}/networking/v2.0/` }],
    });
    root.get('/', versionsOperation, async (request) => ({ versions: [version(request)] }));

    await root.register(
      async (app) => {
        app.addHook('onRequest', requireToken(identity));
        // Unknown paths below here ask for a token first, too.
        app.setNotFoundHandler({ preHandler: requireToken(identity) }, () => {
          throw noSuchPath();
        });

        app.get('/', async (request) => ({
          resources: [...networking.collections.values()].map(({ definition }) => ({
            name: definition.name,
            collection: definition.collection,
            links: [{ rel: 'self', href: `${baseUrl(request)}/networking/v2.0/${definition.collection}` }],
          })),
        }));
        extensionRoutes(app);
        app.get('/availability_zones', async () => ({
          availability_zones: await networking.store.read(availabilityZones),
        }));
        app.get('/floatingip_pools', async (request) => ({
          floatingip_pools: await networking.store.read((db) => floatingIpPools(db, request.query as QueryString)),
        }));
        for (const [path, collection] of networking.collections)
          collectionRoutes(app, `/${path}`, collection, contextOf);
        collectionRoutes(app, '/floatingips/:parentId/port_forwardings', networking.portForwardings, (request) => ({
          ...contextOf(request),
          parentId: (request.params as Params).parentId as string,
        }));
        for (const [path, tags] of networking.tags) tagRoutes(app, `/${path}/:id/tags`, tags, contextOf);
        routerRoutes(app, networking, contextOf);
        quotaRoutes(app, networking.quotas);
        availabilityRoutes(app, networking.store);
        agentSchedulingRoutes(app, networking.agentScheduling, contextOf);
      },
      { prefix: '/v2.0' },
    );
  };
}

function extensionRoutes(app: FastifyInstance): void {
  app.get('/extensions', extensionOperations.list, async () => ({ extensions: EXTENSIONS }));
  app.get('/extensions/:alias', extensionOperations.show, async (request, reply) => {
    const { alias } = request.params as Params;
    const extension = EXTENSIONS.find((item) => item.alias === alias);
    if (extension !== undefined) return { extension };
    // The one error of Neutron that has the envelope of its web framework.
    return reply.code(404).send({
      message: `The resource could not be found.<br /><br />\nExtension with alias ${alias} does not exist\n\n`,
      code: '404 Not Found',
      title: 'Not Found',
    });
  });
}

/** Objects that are written as JSON at once: some milliseconds of work. */
const AT_ONCE = 1000;

/**
 * The body of a list of very many objects, whose parts leave other requests their turn between them. It takes the
 * objects away as it goes: text is smaller.
 */
async function longList(plural: string, items: object[], more: object): Promise<Readable> {
  const texts: string[] = [];
  while (items.length > 0) {
    texts.push(`${texts.length > 0 ? ',' : ''}${JSON.stringify(items.splice(0, AT_ONCE)).slice(1, -1)}`);
    await otherRequestsTurn();
  }
  const rest = JSON.stringify(more).slice(1);
  return Readable.from([`{${JSON.stringify(plural)}:[`, ...texts, `]${rest === '}' ? '' : ','}${rest}`]);
}

function collectionRoutes(
  app: FastifyInstance,
  path: string,
  collection: Collection,
  contextOf: (request: FastifyRequest) => Context,
): void {
  const { definition } = collection;
  const plural = pluralKey(definition);
  const idOf = (request: FastifyRequest): string => (request.params as Params).id as string;
  const queryOf = (request: FastifyRequest): QueryString => request.query as QueryString;

  app.get(path, collectionOperation(collection, 'list'), async (request, reply) => {
    const page = await collection.list(queryOf(request), contextOf(request));
    const links = pageLinks(request, page);
    const more = links.length > 0 ? { [`${plural}_links`]: links } : {};
    if (page.items.length <= AT_ONCE) return { [plural]: page.items, ...more };
    return reply.type('application/json; charset=utf-8').send(await longList(plural, page.items, more));
  });
  app.get(`${path}/:id`, collectionOperation(collection, 'show'), async (request) => ({
    [definition.name]: await collection.show(idOf(request), queryOf(request), contextOf(request)),
  }));
  app.post(path, collectionOperation(collection, 'create'), async (request, reply) => {
    const { bodies, bulk } = createBodies(definition, request.body);
    const made = await collection.create(bodies, contextOf(request));
    return reply.code(201).send(bulk ? { [plural]: made } : { [definition.name]: made[0] });
  });
  app.put(`${path}/:id`, collectionOperation(collection, 'update'), async (request) => ({
    [definition.name]: await collection.update(
      idOf(request),
      singleBody(definition, request.body),
      contextOf(request),
      ifMatch(request),
    ),
  }));
  for (const action of Object.keys(collection.rules.actions ?? {})) {
    app.put(`${path}/:id/${action}`, actionOperation(collection, action), async (request) =>
      collection.act(action, idOf(request), outerObject(request.body), contextOf(request)),
    );
  }
  app.delete(`${path}/:id`, collectionOperation(collection, 'delete'), async (request, reply) => {
    await collection.remove(idOf(request), contextOf(request), ifMatch(request));
    return reply.code(204).send();
  });
  app.delete(path, HIDDEN, async () => {
    throw definition.notFound('None');
  });
  for (const url of [path, `${path}/:id`]) {
    app.route({
      ...HIDDEN,
      method: url === path ? ['PUT', 'PATCH'] : ['POST', 'PATCH'],
      url,
      handler: methodNotAllowed,
    });
  }
}

function tagRoutes(
  app: FastifyInstance,
  path: string,
  tags: TagCollection,
  contextOf: (request: FastifyRequest) => Context,
): void {
  const parameters = (request: FastifyRequest): { id: string; tag: string } =>
    request.params as { id: string; tag: string };
  const bodyTags = (request: FastifyRequest): string[] => {
    const body = request.body as { tags?: unknown } | undefined;
    if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'tags') || Object.keys(body).length !== 1) {
      throw invalidInput('Invalid tags body');
    }
    return checkTags(body.tags);
  };
  app.get(path, tagOperations.list, async (request) => ({
    tags: await tags.list(parameters(request).id, contextOf(request)),
  }));
  app.put(path, tagOperations.replace, async (request) => {
    const wanted = bodyTags(request);
    return { tags: await tags.change(parameters(request).id, contextOf(request), () => wanted) };
  });
  app.post(path, tagOperations.add, async (request, reply) => {
    const added = await tags.add(parameters(request).id, bodyTags(request), contextOf(request));
    return reply.code(201).send({ tags: added });
  });
  app.delete(path, tagOperations.removeAll, async (request, reply) => {
    await tags.change(parameters(request).id, contextOf(request), () => []);
    return reply.code(204).send();
  });
  app.get(`${path}/:tag`, tagOperations.check, async (request, reply) => {
    const { id, tag } = parameters(request);
    await tags.check(id, tag, contextOf(request));
    return reply.code(204).send();
  });
  app.put(`${path}/:tag`, tagOperations.addOne, async (request, reply) => {
    const { id, tag } = parameters(request);
    await tags.add(id, [tag], contextOf(request));
    return reply.code(201).header('content-type', 'application/json; charset=utf-8').send('null');
  });
  app.delete(`${path}/:tag`, tagOperations.removeOne, async (request, reply) => {
    const { id, tag } = parameters(request);
    await tags.remove(id, tag, contextOf(request));
    return reply.code(204).send();
  });
}

function routerRoutes(
  app: FastifyInstance,
  networking: Networking,
  contextOf: (request: FastifyRequest) => Context,
): void {
  const actions = networking.routerActions;
  const idOf = (request: FastifyRequest): string => (request.params as Params).id as string;
  app.put('/routers/:id/add_router_interface', interfaceOperation('Add an interface to a router'), async (request) =>
    actions.addInterface(idOf(request), outerObject(request.body), contextOf(request)),
  );
  app.put(
    '/routers/:id/remove_router_interface',
    interfaceOperation('Remove an interface from a router'),
    async (request) => actions.removeInterface(idOf(request), outerObject(request.body), contextOf(request)),
  );
  const { definition } = networking.collections.get('routers') as Collection;
  for (const [path, adding] of [
    ['add_extraroutes', true],
    ['remove_extraroutes', false],
  ] as const) {
    app.put(`/routers/:id/${path}`, routesOperation(adding), async (request) => ({
      router: await actions.changeRoutes(
        idOf(request),
        singleBody(definition, request.body),
        contextOf(request),
        adding,
      ),
    }));
  }
}
