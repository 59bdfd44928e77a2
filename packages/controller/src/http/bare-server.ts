import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { isUnfit } from '../json-text.ts';
import { answerNetworkingError, noSuchPath } from './networking-errors.ts';
import { answerUnroutable } from './unroutable.ts';

/** Largest request body; agents' reports have a limit of their own. */
const BODY_BYTES = 1024 * 1024;
/** Longest part of a path: a tag of 255 characters, each escaped as four bytes. */
const PART_LENGTH = 255 * 4 * 3;

/** A server with what all APIs have in common: how bodies are read, request ids, the form of errors. No routes yet. */
export function bareServer(log?: Logger): FastifyInstance {
  const app = Fastify({
    ...(log !== undefined && {
      loggerInstance: log as FastifyBaseLogger,
      logController: new LogController({ disableRequestLogging: true }),
    }),
    bodyLimit: BODY_BYTES,
    genReqId: () => `req-${randomUUID()}`,
    // Clients append `.json` to networking paths as they please; it means nothing.
    rewriteUrl: (request) => (request.url ?? '/').replace(/^(\/+networking\/[^?]*)\.json(?=\?|$)/, '$1'),
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, maxParamLength: PART_LENGTH },
    // A path that cannot be read reaches no route and no hook.
    frameworkErrors: (error, request, reply) => {
      answerUnroutable(error, request, reply as never);
    },
    // A client that keeps its connection open shall not keep the controller from stopping.
    forceCloseConnections: true,
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    try {
      if (isUnfit(body as Buffer)) throw new RangeError('unfit');
      done(null, JSON.parse(body.toString('utf8')));
    } catch {
      done(Object.assign(new Error('Body is not JSON'), { statusCode: 400 }), undefined);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id);
    // No name, id or filter has a NUL: PostgreSQL takes none, and so nothing here does.
    if (request.url.includes('%00')) return answerUnroutable(new Error('NUL'), request, reply);
  });
  app.setErrorHandler(answerNetworkingError);
  app.setNotFoundHandler(() => {
    throw noSuchPath();
  });
  return app;
}
