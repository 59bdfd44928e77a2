import { type ServiceProvider, serviceProvider } from '@portward/model/service-provider.ts';
import type { Caller } from '../caller.ts';
import { computedList, parseComputedQuery } from './computed-list.ts';
import type { QueryString } from './list-query.ts';

/** Who carries out what: routers, each on one host. */
const PROVIDERS: readonly ServiceProvider[] = [{ service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true }];

/** What `GET /v2.0/service-providers` lists. */
export const listServiceProviders = (query: QueryString, caller: Caller): Record<string, unknown>[] =>
  computedList(serviceProvider, [...PROVIDERS], parseComputedQuery(serviceProvider, query), caller);
