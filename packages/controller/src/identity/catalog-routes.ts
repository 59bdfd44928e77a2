import type { FastifyPluginAsync } from 'fastify';
import { HIDDEN } from '../operation.ts';
import { listOf, withSelf } from './answers.ts';
import { endpointsAt, REGION, SERVICES } from './catalog.ts';
import { couldNotFind, forbiddenAction } from './errors.ts';
import type { Identity } from './identity.ts';
import { originOf } from './origin.ts';
import { queryText } from './request-body.ts';
import { requireAdmin, requireCaller } from './session.ts';

type ById = { Params: { id: string } };

const region = { id: REGION, description: '', parent_region_id: null };

/** Services, endpoints and regions: built in, so they are shown and cannot be changed. */
export const catalogRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const matching = <T extends object>(
      items: readonly T[],
      query: unknown,
      keys: readonly (keyof T & string)[],
    ): T[] =>
      items.filter((item) =>
        keys.every((key) => {
          const wanted = queryText(query, key);
          return wanted === undefined || item[key] === wanted;
        }),
      );

    fastify.get('/services', async (request) => {
      requireAdmin(identity, request, 'identity:list_services');
      const services = matching(SERVICES, request.query, ['name', 'type']);
      return listOf(
        request,
        'services',
        services.map((service) => withSelf(request, `services/${service.id}`, { ...service })),
      );
    });

    fastify.get<ById>('/services/:id', async (request) => {
      requireAdmin(identity, request, 'identity:get_service');
      const service = SERVICES.find(({ id }) => id === request.params.id);
      if (service === undefined) throw couldNotFind('service', request.params.id);
      return { service: withSelf(request, `services/${service.id}`, { ...service }) };
    });

    fastify.get('/endpoints', async (request) => {
      requireAdmin(identity, request, 'identity:list_endpoints');
      const endpoints = matching(endpointsAt(originOf(request)), request.query, [
        'interface',
        'service_id',
        'region_id',
      ]);
      return listOf(
        request,
        'endpoints',
        endpoints.map((endpoint) => withSelf(request, `endpoints/${endpoint.id}`, { ...endpoint })),
      );
    });

    fastify.get<ById>('/endpoints/:id', async (request) => {
      requireAdmin(identity, request, 'identity:get_endpoint');
      const endpoint = endpointsAt(originOf(request)).find(({ id }) => id === request.params.id);
      if (endpoint === undefined) throw couldNotFind('endpoint', request.params.id);
      return { endpoint: withSelf(request, `endpoints/${endpoint.id}`, { ...endpoint }) };
    });

    fastify.get('/regions', async (request) => {
      requireCaller(identity, request);
      return listOf(request, 'regions', [withSelf(request, `regions/${REGION}`, region)]);
    });

    fastify.get<ById>('/regions/:id', async (request) => {
      requireCaller(identity, request);
      if (request.params.id !== REGION) throw couldNotFind('region', request.params.id);
      return { region: withSelf(request, `regions/${REGION}`, region) };
    });

    for (const path of ['services', 'endpoints', 'regions']) {
      for (const url of [`/${path}`, `/${path}/:id`]) {
        fastify.route({
          ...HIDDEN,
          method: ['POST', 'PUT', 'PATCH', 'DELETE'],
          url,
          handler: async (request) => {
            requireAdmin(identity, request, `identity:change_${path}`);
            throw forbiddenAction(`${path} are built in and cannot be changed`);
          },
        });
      }
    }
  };
