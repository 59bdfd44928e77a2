import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { queryText } from '../identity/request-body.ts';
import { linksTo } from './answers.ts';
import { badCompute, flavorNotFound } from './errors.ts';
import { minorVersion } from './microversion.ts';
import { pageOf } from './page.ts';

/** A size of servers. */
export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  /** MiB. */
  readonly ram: number;
  /** GiB. */
  readonly disk: number;
}

/** The sizes there are. Servers are recorded, not run, so that a size is a label that clients ask for. */
export const FLAVORS: readonly Flavor[] = [
  { id: '1', name: 'm1.tiny', vcpus: 1, ram: 512, disk: 1 },
  { id: '2', name: 'm1.small', vcpus: 1, ram: 2048, disk: 20 },
  { id: '3', name: 'm1.medium', vcpus: 2, ram: 4096, disk: 40 },
];

/** A flavor by id. */
export const findFlavor = (id: string): Flavor | undefined => FLAVORS.find((flavor) => flavor.id === id);

const flavorDocument = (request: FastifyRequest, { id, name, vcpus, ram, disk }: Flavor): Record<string, unknown> => {
  const minor = minorVersion(request);
  return {
    id,
    name,
    ram,
    disk,
    vcpus,
    swap: minor < 75 ? '' : 0,
    rxtx_factor: 1.0,
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    ...(minor >= 55 && { description: null }),
    ...(minor >= 61 && { extra_specs: {} }),
    links: linksTo(request, `flavors/${id}`),
  };
};

type ById = { Params: { id: string } };

/** Flavors: `/v2.1/flavors`. */
export const flavorRoutes: FastifyPluginAsync = async (fastify) => {
  const requireFlavor = (id: string): Flavor => {
    const flavor = findFlavor(id);
    if (flavor === undefined) throw flavorNotFound(id);
    return flavor;
  };

  /** A page of the flavors; `show` makes each one's body. */
  const list = (request: FastifyRequest, path: string, show: (flavor: Flavor) => Record<string, unknown>) => {
    const { query } = request;
    const atLeast = (name: string): number => {
      const text = queryText(query, name) ?? '0';
      if (!/^\d{1,9}$/.test(text)) throw badCompute(`Invalid ${name} filter [${text}]`);
      return Number(text);
    };
    const [minRam, minDisk] = [atLeast('minRam'), atLeast('minDisk')];
    const onlyPrivate = /^(0|f|false|off|n|no)$/i.test(queryText(query, 'is_public') ?? '');
    const matching = FLAVORS.filter(({ ram, disk }) => !onlyPrivate && ram >= minRam && disk >= minDisk);
    const { items, links } = pageOf(request, path, matching);
    return { flavors: items.map(show), ...(links !== undefined && { flavors_links: links }) };
  };

  fastify.get('/flavors', async (request) =>
    list(request, 'flavors', ({ id, name }) => ({ id, name, links: linksTo(request, `flavors/${id}`) })),
  );
  fastify.get('/flavors/detail', async (request) =>
    list(request, 'flavors/detail', (flavor) => flavorDocument(request, flavor)),
  );

  fastify.get<ById>('/flavors/:id', async (request) => {
    return { flavor: flavorDocument(request, requireFlavor(request.params.id)) };
  });

  fastify.get<ById>('/flavors/:id/os-extra_specs', async (request) => {
    requireFlavor(request.params.id);
    return { extra_specs: {} };
  });
};
