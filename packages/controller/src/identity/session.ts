import type { FastifyInstance, FastifyRequest } from 'fastify';
import { forbiddenAction, unauthorized } from './errors.ts';
import type { Identity, TokenCaller } from './identity.ts';

/** The text of a header that must not be repeated, or undefined. */
export function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Who makes the request, by its `X-Auth-Token`. Throws 401. */
export function requireCaller(identity: Identity, request: FastifyRequest): TokenCaller {
  const token = headerText(request, 'x-auth-token');
  const caller = token === undefined ? undefined : identity.authenticate(token);
  if (caller === undefined) throw unauthorized();
  return caller;
}

/** Lets nobody without a token further than the headers: no body is read for them. */
export function requireTokens(fastify: FastifyInstance, identity: Identity): void {
  fastify.addHook('onRequest', async (request) => {
    if (!request.is404 && request.routeOptions.config.open !== true) await requireCaller(identity, request);
  });
}

/** As `requireCaller`; throws 403 unless it is an admin. `action` is named as Keystone's policies do. */
export function requireAdmin(identity: Identity, request: FastifyRequest, action: string): TokenCaller {
  const caller = requireCaller(identity, request);
  if (!caller.isAdmin) throw forbiddenAction(action);
  return caller;
}

/** As `requireCaller`; throws 403 unless it is that user or an admin. */
export function requireSelfOrAdmin(
  identity: Identity,
  request: FastifyRequest,
  userId: string,
  action: string,
): TokenCaller {
  const caller = requireCaller(identity, request);
  if (!caller.isAdmin && caller.userId !== userId) throw forbiddenAction(action);
  return caller;
}
