import { fixedId } from './ids.ts';

/** The one region. */
export const REGION = 'RegionOne';

const INTERFACES = ['public', 'internal', 'admin'] as const;

/** What is served, under the names and types that clients look for, with the path that follows the origin. */
const SERVED = [
  { type: 'identity', name: 'keystone', path: '/identity/v3/' },
  { type: 'network', name: 'neutron', path: '/networking' },
  { type: 'compute', name: 'nova', path: '/compute/v2.1' },
  { type: 'image', name: 'glance', path: '/image' },
] as const;

export interface Service {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly enabled: true;
  readonly description: string;
}

export interface Endpoint {
  readonly id: string;
  readonly interface: (typeof INTERFACES)[number];
  readonly region: string;
  readonly region_id: string;
  readonly service_id: string;
  readonly url: string;
  readonly enabled: true;
}

/** A service of a token's catalog. */
export interface CatalogEntry {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly Omit<Endpoint, 'service_id' | 'enabled'>[];
}

/** The services. */
export const SERVICES: readonly Service[] = SERVED.map(({ type, name }) => ({
  id: fixedId(`service ${type}`),
  type,
  name,
  enabled: true,
  description: '',
}));

/** Every endpoint, as seen by a client that reaches us at `origin` (`http://HOST:PORT`). */
export function endpointsAt(origin: string): Endpoint[] {
  return SERVED.flatMap(({ type, path }) =>
    INTERFACES.map((name) => ({
      id: fixedId(`endpoint ${type} ${name}`),
      interface: name,
      region: REGION,
      region_id: REGION,
      service_id: fixedId(`service ${type}`),
      url: `${origin}${path}`,
      enabled: true,
    })),
  );
}

/** The catalog of a token. */
export function catalogAt(origin: string): CatalogEntry[] {
  const endpoints = endpointsAt(origin);
  return SERVICES.map(({ id, type, name }) => ({
    id,
    type,
    name,
    endpoints: endpoints
      .filter((endpoint) => endpoint.service_id === id)
      .map(({ service_id: _service, enabled: _enabled, ...shown }) => shown),
  }));
}
