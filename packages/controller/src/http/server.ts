import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { imageRoutes } from '../compute/image-routes.ts';
import type { ServerNetworking } from '../compute/networking-port.ts';
import { computeRoutes } from '../compute/routes.ts';
import type { Feed } from '../feed/feed.ts';
import type { Identity } from '../identity/identity.ts';
import { identityRoutes } from '../identity/routes.ts';
import type { Networking } from '../networking/networking.ts';
import type { Store } from '../store/store.ts';
import { answerNetworkingError, noSuchPath } from './networking-errors.ts';
import { networkingRoutes } from './networking-routes.ts';
import { portwardRoutes } from './portward-routes.ts';

/** Largest request body; agents' reports have a limit of their own. */
const BODY_BYTES = 1024 * 1024;

/** The rooms that the server opens to the outside. */
export interface Rooms {
  store: Store;
  feed: Feed;
  identity: Identity;
  networking: Networking;
  serverNetworking: ServerNetworking;
  agentToken: string;
  log: Logger;
}

/** Every API on one HTTP server. Not yet listening. */
export async function createServer(rooms: Rooms): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: rooms.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    genReqId: () => `req-${randomUUID()}`,
    // Clients append `.json` to networking paths as they please; it means nothing.
    rewriteUrl: (request) => (request.url ?? '/').replace(/^(\/+networking\/[^?]*)\.json(?=\?|$)/, '$1'),
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, maxParamLength: 1000 },
    // A client that keeps its connection open shall not keep the controller from stopping.
    forceCloseConnections: true,
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    try {
      done(null, JSON.parse(body.toString('utf8')));
    } catch {
      done(Object.assign(new Error('Body is not JSON'), { statusCode: 400 }), undefined);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    rooms.log.debug(
      {
        request: request.id,
        method: request.method,
        path: request.url.split('?')[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 100) / 100,
      },
      'answered',
    );
  });
  app.setErrorHandler(answerNetworkingError);
  app.setNotFoundHandler(() => {
    throw noSuchPath();
  });

  app.get('/healthz', async () => {
    await rooms.store.read((db) => db.selectFrom('settings').select('name').limit(1).execute());
    return { status: 'ok' };
  });
  await app.register(identityRoutes(rooms.identity), { prefix: '/identity' });
  await app.register(networkingRoutes(rooms.networking, rooms.identity), { prefix: '/networking' });
  await app.register(
    computeRoutes({ identity: rooms.identity, store: rooms.store, networking: rooms.serverNetworking }),
    { prefix: '/compute' },
  );
  await app.register(imageRoutes({ identity: rooms.identity }), { prefix: '/image' });
  await app.register(portwardRoutes(rooms), { prefix: '/portward/v1' });
  return app;
}
