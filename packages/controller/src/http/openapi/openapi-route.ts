import type { FastifyInstance } from 'fastify';
import { openTo } from '../../operation.ts';
import { openApiDocument, rememberRoutes } from './document.ts';

const OPERATION = openTo(() => ({
  summary: 'Show this document',
  answers: { 200: { description: 'The API in the terms of OpenAPI 3.1', schema: { type: 'object' } } },
}));

/** `GET /openapi.json`: every route that is registered on `app` from now on. Made at the first request, and kept. */
export function openApiRoute(app: FastifyInstance): void {
  const routes = rememberRoutes(app);
  let text: string | undefined;
  app.get('/openapi.json', OPERATION, async (_request, reply) => {
    text ??= JSON.stringify(openApiDocument(routes));
    return reply.header('content-type', 'application/json; charset=utf-8').send(text);
  });
}
