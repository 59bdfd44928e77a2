import type { BenchCloud } from './cloud.ts';
import type { Request } from './timing.ts';

/** How one resource is used. */
export interface Workload {
  /** Plural, for people. */
  readonly resource: string;
  /** Path of the collection. */
  readonly path: string;
  /** Key of a body. */
  readonly name: string;
  /** What a POST of the `index`th says. */
  create(index: number): Record<string, unknown>;
  /** What the `index`th PUT says. */
  update(index: number): Record<string, unknown>;
}

export const OPERATIONS = ['list', 'create', 'show', 'update', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Objects that a list shows, and that stand in each collection when the measurement begins. */
export const LISTED = 300;
/** First port of the forwardings that a measurement makes; those that stand are below. */
const FIRST_FREE_PORT = 60_100;

/** Forwardings of one floating IP to one port. */
export function forwardings(floatingIp: string, port: string, firstPort = FIRST_FREE_PORT): Workload {
  return {
    resource: 'port forwardings',
    path: `/networking/v2.0/floatingips/${floatingIp}/port_forwardings`,
    name: 'port_forwarding',
    create: (index) => ({
      internal_port_id: port,
      protocol: 'tcp',
      external_port: firstPort + index,
      internal_port: firstPort + index,
    }),
    update: (index) => ({ description: `changed ${index}` }),
  };
}

/** The three resources, each with `LISTED` that stand. */
export async function standingWorkloads(cloud: BenchCloud): Promise<Workload[]> {
  const [port = '', ...ports] = await cloud.ports(LISTED);
  const [floatingIp = '', ...floatingIps] = await cloud.floatingIps(LISTED);
  if (ports.length + 1 !== LISTED || floatingIps.length + 1 !== LISTED) throw new Error('the cloud is not complete');
  const ofForwardings = forwardings(floatingIp, port);
  const standing = forwardings(floatingIp, port, 1);
  await cloud.create(standing.path, standing.name, LISTED, standing.create);
  return [
    ofForwardings,
    {
      resource: 'floating IPs',
      path: '/networking/v2.0/floatingips',
      name: 'floatingip',
      create: () => ({ floating_network_id: cloud.externalNetwork }),
      update: (index) => ({ description: `changed ${index}` }),
    },
    {
      resource: 'ports',
      path: '/networking/v2.0/ports',
      name: 'port',
      create: () => ({ network_id: cloud.network }),
      update: (index) => ({ name: `changed-${index}` }),
    },
  ];
}

/** The requests of one operation on the objects with these ids; a list and a create need none. */
export function requestsOf(
  { path, name, create, update }: Workload,
  operation: Operation,
  count: number,
  ids: readonly string[],
): Request[] {
  const many = (request: (index: number) => Request): Request[] => Array.from({ length: count }, (_, i) => request(i));
  switch (operation) {
    case 'list':
      return many(() => ({ method: 'GET', path: `${path}?limit=${LISTED}` }));
    case 'create':
      return many((i) => ({ method: 'POST', path, body: { [name]: create(i) } }));
    case 'show':
      return many((i) => ({ method: 'GET', path: `${path}/${ids[i]}` }));
    case 'update':
      return many((i) => ({ method: 'PUT', path: `${path}/${ids[i]}`, body: { [name]: update(i) } }));
    case 'delete':
      return many((i) => ({ method: 'DELETE', path: `${path}/${ids[i]}` }));
  }
}

/** The ids in the answers to POSTs. */
export const idsIn = (name: string, bodies: readonly string[]): string[] =>
  bodies.map((body) => JSON.parse(body)[name].id);
