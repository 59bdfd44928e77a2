import type { FastifyInstance, FastifyRequest } from 'fastify';
import { listIpAvailability, showIpAvailability } from '../networking/ip-availability.ts';
import type { QueryString } from '../networking/list-query.ts';
import { listServiceProviders } from '../networking/service-providers.ts';
import type { Store } from '../store/store.ts';

type ByNetwork = { Params: { network: string } };

const queryOf = (request: FastifyRequest): QueryString => request.query as QueryString;

/** What there is to be had, computed from what is kept: addresses of networks, providers of services. */
export function availabilityRoutes(app: FastifyInstance, store: Store): void {
  app.get('/network-ip-availabilities', async (request) => ({
    network_ip_availabilities: await store.read((db) => listIpAvailability(db, queryOf(request), request.caller)),
  }));
  app.get<ByNetwork>('/network-ip-availabilities/:network', async (request) => ({
    network_ip_availability: await store.read((db) =>
      showIpAvailability(db, request.params.network, queryOf(request), request.caller),
    ),
  }));
  app.get('/service-providers', async (request) => ({
    service_providers: listServiceProviders(queryOf(request), request.caller),
  }));
}
