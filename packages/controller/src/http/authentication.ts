import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';

/** Says who a token belongs to, without a database read; undefined: nobody. */
export interface Authenticator {
  authenticate(token: string): Caller | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes behind `requireToken`. */
    caller: Caller;
  }
}

const unauthorized = (): ApiError =>
  new ApiError(401, 'Unauthorized', 'The request you have made requires authentication.');

/** Hook that lets only requests with a valid token through. */
export function requireToken(identity: Authenticator) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = request.headers['x-auth-token'];
    const caller = typeof token === 'string' ? identity.authenticate(token) : undefined;
    if (caller === undefined) {
      reply.header('www-authenticate', `Keystone uri="${baseUrl(request)}/identity"`);
      throw unauthorized();
    }
    request.caller = caller;
  };
}

/** Scheme and authority under which the client reached us: links must lead it back. */
export function baseUrl(request: FastifyRequest): string {
  const host = request.headers.host;
  return `${request.protocol}://${host !== undefined && /^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`;
}
