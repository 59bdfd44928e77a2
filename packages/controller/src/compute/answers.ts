import type { FastifyInstance, FastifyRequest } from 'fastify';
import { identityErrorBody, statusAndText } from '../identity/answers.ts';
import { originOf } from '../identity/origin.ts';

/** Key of the envelope, by status. */
const KEYS: Record<number, string> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

/** An error's body in Nova's envelope. */
export const computeErrorBody = (code: number, message: string): Record<string, unknown> => ({
  [KEYS[code] ?? 'computeFault']: { code, message },
});

/** Sets Nova's envelope for errors and unknown paths of this plugin. */
export function answerAsCompute(fastify: FastifyInstance): void {
  fastify.setErrorHandler((error, request, reply) => {
    const { status, message } = statusAndText(error, request);
    if (status === 401) return reply.code(401).send(identityErrorBody(401, message));
    return reply.code(status).send(computeErrorBody(status, message));
  });
  fastify.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(computeErrorBody(404, 'The resource could not be found.')),
  );
}

/** Where the API begins, as the client reached us. */
export const computeBase = (request: FastifyRequest): string => `${originOf(request)}/compute/v2.1`;

/** The links of an object at `path` below the API's base. */
export const linksTo = (request: FastifyRequest, path: string): { rel: string; href: string }[] => [
  { rel: 'self', href: `${computeBase(request)}/${path}` },
  bookmark(request, path),
];

/** The link of an object without the API's version. */
export const bookmark = (request: FastifyRequest, path: string): { rel: string; href: string } => ({
  rel: 'bookmark',
  href: `${originOf(request)}/compute/${path}`,
});
