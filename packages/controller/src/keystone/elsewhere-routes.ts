import type { FastifyPluginAsync } from 'fastify';
import { identityErrorBody } from '../identity/answers.ts';

/** What is served at `/identity` when identity is elsewhere: 404, and where it is. */
export const elsewhereRoutes =
  (authUrl: string): FastifyPluginAsync =>
  async (fastify) => {
    fastify.setNotFoundHandler((_request, reply) =>
      reply.code(404).send(identityErrorBody(404, `Identity is not served here but by the Keystone at ${authUrl}.`)),
    );
  };
