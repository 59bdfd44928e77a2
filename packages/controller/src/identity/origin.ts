import type { FastifyRequest } from 'fastify';

const HOST = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

/** Where the client reached us, `http://HOST:PORT`: what the links in our answers begin with. */
export function originOf(request: FastifyRequest): string {
  const host = request.host;
  return `${request.protocol}://${HOST.test(host) ? host : 'localhost'}`;
}
