import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { OPEN } from '../operation.ts';
import { computeBase } from './answers.ts';
import { NEWEST_MINOR, OLDEST_MINOR } from './microversion.ts';

/** The version document of Compute v2.1. */
export const versionDocument = (request: FastifyRequest): Record<string, unknown> => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: `2.${NEWEST_MINOR}`,
  min_version: `2.${OLDEST_MINOR}`,
  updated: '2013-07-23T11:33:21Z',
  links: [{ rel: 'self', href: `${computeBase(request)}/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
});

/** `GET /`: which versions there are. Needs no token. */
export const versionRoutes: FastifyPluginAsync = async (fastify) => {
  fastify.get('/', OPEN, async (request) => ({ versions: [versionDocument(request)] }));
};
