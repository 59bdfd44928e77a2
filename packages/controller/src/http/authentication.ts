import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';

/** Says who a token belongs to: the embedded Identity, or an external Keystone. */
export interface Authenticator {
  /**
   * Who the token belongs to; undefined: nobody. A promise only where somebody else must be asked: requests whose
   * answer is at hand wait for nothing. Throws, or rejects with, an ApiError that clients may see.
   */
  authenticate(token: string): Caller | undefined | Promise<Caller | undefined>;
  /** Where tokens are to be had, unless it is at this server's `/identity`. */
  readonly authUrl?: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes behind `requireToken`. */
    caller: Caller;
  }
}

const unauthorized = (): ApiError =>
  new ApiError(401, 'Unauthorized', 'The request you have made requires authentication.');

/** A hook in Fastify's callback form: it costs a request no turn of the event loop. */
type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** Hook that lets only requests with a valid token through; others get 401, with where tokens are to be had. */
export function requireToken(identity: Authenticator): Hook {
  return (request, reply, done) => {
    const letIn = (caller: Caller | undefined): void => {
      if (caller === undefined) {
        const url = identity.authUrl ?? `${baseUrl(request)}/identity`;
        reply.header('www-authenticate', `Keystone uri="${url}"`);
        done(unauthorized());
        return;
      }
      request.caller = caller;
      done();
    };
    const token = request.headers['x-auth-token'];
    const found = typeof token === 'string' ? identity.authenticate(token) : undefined;
    if (found instanceof Promise) found.then(letIn, done);
    else letIn(found);
  };
}

/** Scheme and authority under which the client reached us: links must lead it back. */
export function baseUrl(request: FastifyRequest): string {
  const host = request.headers.host;
  return `${request.protocol}://${host !== undefined && /^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`;
}
