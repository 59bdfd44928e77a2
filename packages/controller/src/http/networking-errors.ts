import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

/** Body of an error of the Networking API. */
export const neutronError = (type: string, message: string) => ({ NeutronError: { type, message, detail: '' } });

/** Answers what a networking route threw, in Neutron's shape. What is not ours is logged and shown as a bare 500. */
export function answerNetworkingError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ApiError) {
    if (error.status === 401) {
      return reply.code(401).send({ error: { code: 401, title: 'Unauthorized', message: error.message } });
    }
    return reply.code(error.status).send(neutronError(error.type, error.message));
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status === 413)
    return reply.code(413).send(neutronError('HTTPRequestEntityTooLarge', 'Request body is too large.'));
  if (status < 500) return reply.code(400).send(neutronError('HTTPBadRequest', 'Body contains invalid data'));
  request.log.error({ err: error }, 'request failed');
  return reply
    .code(500)
    .send(
      neutronError('HTTPInternalServerError', 'Request Failed: internal server error while processing your request.'),
    );
}

/** Answers a verb that the path does not take. */
export async function methodNotAllowed(): Promise<never> {
  throw new ApiError(
    405,
    'HTTPMethodNotAllowed',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  );
}

/** 404 of a path that leads nowhere. */
export const noSuchPath = (): ApiError => new ApiError(404, 'HTTPNotFound', 'The resource could not be found.');
