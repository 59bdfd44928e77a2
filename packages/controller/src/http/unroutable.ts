import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { computeErrorBody } from '../compute/answers.ts';
import { imageErrorBody } from '../compute/image-routes.ts';
import { identityErrorBody } from '../identity/answers.ts';
import { neutronError } from './networking-errors.ts';

type ErrorBody = (status: number, message: string) => Record<string, unknown>;

const ENVELOPES: readonly (readonly [string, ErrorBody])[] = [
  ['/identity/', identityErrorBody],
  ['/compute/', computeErrorBody],
  ['/image/', imageErrorBody],
];
const networking: ErrorBody = (status, message) =>
  neutronError(status === 414 ? 'HTTPRequestURITooLong' : 'HTTPBadRequest', message);

/** Answers a request that no route can be looked up for, because its URL is not one, in the envelope of its room. */
export function answerUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode === 414 ? 414 : 400;
  const path = request.url.replace(/\/{2,}/g, '/');
  const [, envelope] = ENVELOPES.find(([prefix]) => path.startsWith(prefix)) ?? ['', networking];
  const message = status === 414 ? 'A part of the path is too long.' : 'The URL is not well formed.';
  reply.code(status).header('x-openstack-request-id', request.id).send(envelope(status, message));
}
