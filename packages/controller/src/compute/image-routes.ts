import { ApiError } from '@portward/model/api-error.ts';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Authenticator, requireToken } from '../http/authentication.ts';
import { identityErrorBody, readJsonBodies, statusAndText } from '../identity/answers.ts';
import { originOf } from '../identity/origin.ts';
import { queryText } from '../identity/request-body.ts';
import { HIDDEN, OPEN } from '../operation.ts';
import { findImage, IMAGES, type Image } from './images.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  503: 'Service Unavailable',
};

const versionDocument = (request: FastifyRequest) => ({
  id: 'v2.9',
  status: 'CURRENT',
  links: [{ rel: 'self', href: `${originOf(request)}/image/v2/` }],
});

/** Glance answers errors as small HTML pages; clients look for the status and show the text. */
export const imageErrorBody = (status: number, message: string): Record<string, unknown> => ({
  message,
  code: status,
  title: TITLES[status] ?? 'Error',
});

function answerAsImage(fastify: FastifyInstance): void {
  fastify.setErrorHandler((error, request, reply) => {
    const { status, message } = statusAndText(error, request);
    if (status === 401) return reply.code(401).send(identityErrorBody(401, message));
    return reply.code(status).send(imageErrorBody(status, message));
  });
  fastify.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(imageErrorBody(404, 'The resource could not be found.')),
  );
}

/** `in:a,b` names several values; quotes may surround one that holds a comma. */
function accepts(text: string, value: unknown): boolean {
  if (!text.startsWith('in:')) return String(value) === text;
  const values = text.slice(3).match(/"[^"]*"|[^,]+/g) ?? [];
  return values.some((item) => item.replace(/^"(.*)"$/, '$1') === String(value));
}

const FILTERS = ['name', 'id', 'status', 'visibility', 'disk_format', 'container_format', 'owner'] as const;

function matches(image: Image, query: unknown): boolean {
  const hidden = queryText(query, 'os_hidden')?.toLowerCase();
  if ((hidden === 'true' || hidden === '1') !== image.os_hidden) return false;
  const tag = queryText(query, 'tag');
  if (tag !== undefined && !(image.tags as string[]).includes(tag)) return false;
  return FILTERS.every((key) => {
    const wanted = queryText(query, key);
    // `all` is no visibility but the wish to see every one.
    return wanted === undefined || (key === 'visibility' && wanted === 'all') || accepts(wanted, image[key]);
  });
}

const noImage = (id: string): ApiError => new ApiError(404, 'NotFound', `No image found with ID ${id}`);

/** The JSON Schema of an image, from which older clients build their objects. */
function imageSchema(): Record<string, unknown> {
  const typeOf = (value: unknown) =>
    Array.isArray(value) ? 'array' : value === null ? ['null', 'string'] : typeof value;
  const properties = Object.fromEntries(
    Object.entries(IMAGES[0] as Image).map(([key, value]) => [key, { type: typeOf(value) }]),
  );
  return { name: 'image', properties, additionalProperties: { type: 'string' }, links: [] };
}

type ById = { Params: { id: string } };

/** The Image API v2, to be mounted at `/image`. Images are built in: they are shown and cannot be changed. */
export const imageRoutes =
  (identity: Authenticator): FastifyPluginAsync =>
  async (fastify) => {
    answerAsImage(fastify);
    readJsonBodies(fastify);

    const versions = (request: FastifyRequest) => ({ versions: [versionDocument(request)] });
    fastify.get('/', OPEN, async (request, reply) => reply.code(300).send(versions(request)));
    fastify.get('/versions', OPEN, async (request) => versions(request));

    const version2: FastifyPluginAsync = async (v2) => {
      v2.addHook('onRequest', requireToken(identity));
      v2.get('/images', async (request) => {
        const limitText = queryText(request.query, 'limit') ?? '25';
        if (!/^\d{1,9}$/.test(limitText)) throw new ApiError(400, 'BadRequest', 'limit param must be an integer');
        const marker = queryText(request.query, 'marker');
        if (marker !== undefined && findImage(marker) === undefined) {
          throw new ApiError(400, 'BadRequest', 'Invalid marker. Image could not be found.');
        }
        const all = IMAGES.filter((image) => matches(image, request.query));
        const rest = marker === undefined ? all : all.slice(all.findIndex((image) => image.id === marker) + 1);
        const images = rest.slice(0, Number(limitText));
        const next = new URLSearchParams(request.url.split('?')[1] ?? '');
        next.set('marker', images.at(-1)?.id ?? '');
        return {
          images,
          first: '/v2/images',
          schema: '/v2/schemas/images',
          ...(images.length > 0 && images.length < rest.length && { next: `/v2/images?${next}` }),
        };
      });

      v2.get<ById>('/images/:id', async (request) => {
        const image = findImage(request.params.id);
        if (image === undefined) throw noImage(request.params.id);
        return image;
      });

      v2.get<ById>('/images/:id/file', async (request, reply) => {
        if (findImage(request.params.id) === undefined) throw noImage(request.params.id);
        return reply.code(204).send();
      });

      v2.get('/schemas/image', async () => imageSchema());

      v2.get('/schemas/images', async () => ({
        name: 'images',
        properties: { images: { type: 'array', items: imageSchema() } },
      }));

      const refuse = async () => {
        throw new ApiError(403, 'Forbidden', 'Images are built in and cannot be changed.');
      };
      v2.post('/images', HIDDEN, refuse);
      v2.patch<ById>('/images/:id', HIDDEN, refuse);
      v2.put<ById>('/images/:id/file', HIDDEN, refuse);
      v2.delete<ById>('/images/:id', HIDDEN, refuse);
    };
    await fastify.register(version2, { prefix: '/v2' });
  };
