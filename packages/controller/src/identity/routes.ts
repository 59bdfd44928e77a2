import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { OPEN } from '../operation.ts';
import { absentRoutes } from './absent-routes.ts';
import { answerAsIdentity, readJsonBodies } from './answers.ts';
import { applicationCredentialRoutes } from './application-credential-routes.ts';
import { authRoutes } from './auth-routes.ts';
import { catalogRoutes } from './catalog-routes.ts';
import { versionDocument } from './discovery.ts';
import { domainRoutes } from './domain-routes.ts';
import { grantRoutes } from './grant-routes.ts';
import type { Identity } from './identity.ts';
import { originOf } from './origin.ts';
import { projectRoutes } from './project-routes.ts';
import { projectTagRoutes } from './project-tag-routes.ts';
import { roleAssignmentRoutes } from './role-assignment-routes.ts';
import { roleRoutes } from './role-routes.ts';
import { requireTokens } from './session.ts';
import { userRoutes } from './user-routes.ts';

const RESOURCES = [
  absentRoutes,
  applicationCredentialRoutes,
  catalogRoutes,
  domainRoutes,
  grantRoutes,
  projectRoutes,
  projectTagRoutes,
  roleAssignmentRoutes,
  roleRoutes,
  userRoutes,
] as const;

/** The Identity API v3, to be mounted at `/identity`. */
export const identityRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    answerAsIdentity(fastify);
    readJsonBodies(fastify);
    requireTokens(fastify, identity);

    fastify.get('/', OPEN, async (request: FastifyRequest, reply: FastifyReply) =>
      reply.code(300).send({ versions: { values: [versionDocument(originOf(request))] } }),
    );

    const version3: FastifyPluginAsync = async (v3) => {
      v3.get('/', OPEN, async (request) => ({ version: versionDocument(originOf(request)) }));
      await v3.register(authRoutes(identity), { prefix: '/auth' });
      for (const routes of RESOURCES) await v3.register(routes(identity));
    };
    await fastify.register(version3, { prefix: '/v3' });
  };
