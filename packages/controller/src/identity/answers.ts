import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isUnfit } from '../json-text.ts';
import { clientError } from './errors.ts';
import { originOf } from './origin.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** An error's body in Keystone's envelope; also what every other service answers to a missing or void token. */
export const identityErrorBody = (code: number, message: string): Record<string, unknown> => ({
  error: { code, message, title: TITLES[code] ?? 'Internal Server Error' },
});

/** Answers 401 with where to get a token. */
function sendUnauthorized(request: FastifyRequest, reply: FastifyReply, message: string): FastifyReply {
  return reply
    .code(401)
    .header('www-authenticate', `Keystone uri="${originOf(request)}/identity/v3"`)
    .send(identityErrorBody(401, message));
}

/** Status and text of anything thrown; what is not meant for clients is logged and becomes a plain 500. */
export function statusAndText(error: unknown, request: FastifyRequest): { status: number; message: string } {
  if (error instanceof ApiError) return { status: error.status, message: error.message };
  const { statusCode = 500, message } = error as FastifyError;
  if (statusCode < 500) return { status: statusCode, message };
  request.log.error(error);
  return { status: 500, message: 'An unexpected error prevented the server from fulfilling your request.' };
}

const noJson = () => clientError('Expecting to find valid JSON in request body.');

/** Sets Keystone's envelope for errors and unknown paths of this plugin. */
export function answerAsIdentity(fastify: FastifyInstance): void {
  fastify.setErrorHandler((error, request, reply) => {
    const isNoJson = (error as FastifyError).code === 'FST_ERR_CTP_INVALID_JSON_BODY';
    const { status, message } = statusAndText(isNoJson ? noJson() : error, request);
    if (status === 401) return sendUnauthorized(request, reply, message);
    return reply.code(status).send(identityErrorBody(status, message));
  });
  fastify.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(identityErrorBody(404, 'The resource could not be found.')),
  );
}

/**
 * Reads JSON bodies; an empty one is none, whatever its Content-Type says: many clients send that header with every
 * request.
 */
export function readJsonBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else if (isUnfit(body as Buffer)) done(Object.assign(new Error('Body contains invalid data'), { statusCode: 400 }));
    else parse(request, body.toString('utf8'), done);
  });
}

type Item = Record<string, unknown>;

/** An object with the link to itself. */
export const withSelf = (request: FastifyRequest, path: string, item: Item): Item => ({
  ...item,
  links: { ...(item.links as Item | undefined), self: `${originOf(request)}/identity/v3/${path}` },
});

/** A list in Keystone's wrapper; it comes whole. */
export const listOf = (request: FastifyRequest, name: string, items: readonly Item[]): Item => ({
  [name]: items,
  links: { next: null, self: `${originOf(request)}${request.url}`, previous: null },
});
