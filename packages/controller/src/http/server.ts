import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { imageRoutes } from '../compute/image-routes.ts';
import type { ServerNetworking } from '../compute/networking-port.ts';
import { computeRoutes } from '../compute/routes.ts';
import type { Feed } from '../feed/feed.ts';
import type { Networking } from '../networking/networking.ts';
import { openTo } from '../operation.ts';
import type { Store } from '../store/store.ts';
import type { Authenticator } from './authentication.ts';
import { bareServer } from './bare-server.ts';
import { networkingRoutes } from './networking-routes.ts';
import { openApiRoute } from './openapi/openapi-route.ts';
import { portwardRoutes } from './portward-routes.ts';

const HEALTH = openTo(() => ({
  summary: 'Ask whether the controller can read its store',
  answers: { 200: { description: 'It can' } },
}));

/** The rooms that the server opens to the outside. */
export interface Rooms {
  store: Store;
  feed: Feed;
  identity: Authenticator;
  /** What is served at `/identity`. */
  identityRoutes: FastifyPluginAsync;
  networking: Networking;
  serverNetworking: ServerNetworking;
  agentToken: string;
  log: Logger;
}

/** Every API on one HTTP server. Not yet listening. */
export async function createServer(rooms: Rooms): Promise<FastifyInstance> {
  const app = bareServer(rooms.log);
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
  openApiRoute(app);
  app.get('/healthz', HEALTH, async () => {
    await rooms.store.read((db) => db.selectFrom('settings').select('name').limit(1).execute());
    return { status: 'ok' };
  });
  await app.register(rooms.identityRoutes, { prefix: '/identity' });
  await app.register(networkingRoutes(rooms.networking, rooms.identity), { prefix: '/networking' });
  await app.register(
    computeRoutes({ store: rooms.store, networking: rooms.serverNetworking, now: () => new Date() }, rooms.identity),
    { prefix: '/compute' },
  );
  await app.register(imageRoutes(rooms.identity), { prefix: '/image' });
  await app.register(portwardRoutes(rooms), { prefix: '/portward/v1' });
  return app;
}
