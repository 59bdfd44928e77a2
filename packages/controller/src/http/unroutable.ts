import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { computeErrorBody } from '../compute/answers.ts';
import { imageErrorBody } from '../compute/image-routes.ts';
import { identityErrorBody } from '../identity/answers.ts';
import { neutronError } from './networking-errors.ts';

type ErrorBody = (status: number, message: string) => Record<string, unknown>;

const ENVELOPES: readonly (readonly [string, ErrorBody])[] = [
  ['identity', identityErrorBody],
  ['compute', computeErrorBody],
  ['image', imageErrorBody],
];
const networking: ErrorBody = (status, message) =>
  neutronError(status === 414 ? 'HTTPRequestURITooLong' : 'HTTPBadRequest', message);

/** Answers a request that no route can be looked up for, because its URL is none, in the envelope of its room. */
export function answerUnroutable(
  error: Partial<FastifyError>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = error.statusCode === 414 ? 414 : 400;
  const room = /^\/*([^/?]*)/.exec(request.url)?.[1];
  const [, envelope] = ENVELOPES.find(([name]) => name === room) ?? ['', networking];
  const message = status === 414 ? 'A part of the path is too long.' : 'The URL is not well formed.';
  return reply.code(status).header('x-openstack-request-id', request.id).send(envelope(status, message));
}
