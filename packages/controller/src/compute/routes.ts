import type { FastifyPluginAsync } from 'fastify';
import { type Authenticator, requireToken } from '../http/authentication.ts';
import { readJsonBodies } from '../identity/answers.ts';
import { OPEN } from '../operation.ts';
import { answerAsCompute } from './answers.ts';
import { extensionRoutes } from './extensions.ts';
import { flavorRoutes } from './flavors.ts';
import { hostRoutes } from './hosts.ts';
import { keypairRoutes } from './keypairs.ts';
import { answerVersions } from './microversion.ts';
import { quotaRoutes } from './quotas.ts';
import type { ComputeRoom } from './room.ts';
import { securityGroupRoutes } from './security-groups.ts';
import { serverActionRoutes } from './server-actions.ts';
import { serverInterfaceRoutes } from './server-interfaces.ts';
import { serverPartRoutes } from './server-parts.ts';
import { serverRoutes } from './server-routes.ts';
import { serverTagRoutes } from './server-tags.ts';
import { usageRoutes } from './usage.ts';
import { versionDocument, versionRoutes } from './versions.ts';

/** The Compute API v2.1, to be mounted at `/compute`. It records servers; hypervisors or agents run them. */
export const computeRoutes =
  (room: ComputeRoom, identity: Authenticator): FastifyPluginAsync =>
  async (fastify) => {
    answerAsCompute(fastify);
    readJsonBodies(fastify);
    await fastify.register(versionRoutes);

    const version21: FastifyPluginAsync = async (v21) => {
      answerVersions(v21);
      v21.get('/', OPEN, async (request) => ({ version: versionDocument(request) }));
      await v21.register(async (app) => {
        app.addHook('onRequest', requireToken(identity));
        await app.register(flavorRoutes);
        await app.register(extensionRoutes);
        for (const routes of SERVED) await app.register(routes(room));
      });
    };
    await fastify.register(version21, { prefix: '/v2.1' });
  };

const SERVED = [
  hostRoutes,
  keypairRoutes,
  quotaRoutes,
  securityGroupRoutes,
  serverActionRoutes,
  serverInterfaceRoutes,
  serverPartRoutes,
  serverRoutes,
  serverTagRoutes,
  usageRoutes,
] as const;
