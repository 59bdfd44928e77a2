import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Transaction } from '../store/store.ts';
import { computeBase } from './answers.ts';
import { badCompute, notFound } from './errors.ts';
import { MOST_TAGS, readBody, tagText } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { tagsOf } from './server-document.ts';
import { requireOwnServer, requireServer, updateServer } from './servers.ts';

const tagsBody = z.object({ tags: z.array(tagText).max(MOST_TAGS) });
const oneTag = z.object({ tag: tagText });

type ById = { Params: { id: string } };
type ByTag = { Params: { id: string; tag: string } };

/** Tags of servers: `/v2.1/servers/{id}/tags`. */
export const serverTagRoutes =
  ({ store }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const path = '/servers/:id/tags';
    const read = (request: FastifyRequest<ById>): Promise<string[]> => {
      const { caller } = request;
      return store.read(async (db) => {
        const { id } = await requireServer(db, caller, request.params.id);
        return (await tagsOf(db, [id])).get(id) ?? [];
      });
    };
    /** Changes the tags of the server of the path, which `change` is given. */
    const write = <T>(
      request: FastifyRequest<ById>,
      change: (tx: Transaction, id: string, tags: readonly string[]) => Promise<T>,
    ): Promise<T> => {
      const { caller } = request;
      return store.write(async (tx) => {
        const { id } = await requireOwnServer(tx.db, caller, request.params.id, 'os-server-tags:update');
        const result = await change(tx, id, (await tagsOf(tx.db, [id])).get(id) ?? []);
        await updateServer(tx, id, {});
        return result;
      });
    };
    const missing = (id: string, tag: string): Error => notFound(`Server ${id} has no tag '${tag}'`);

    fastify.get<ById>(path, async (request) => ({ tags: await read(request) }));

    fastify.put<ById>(path, async (request) => {
      const tags = [...new Set(readBody(tagsBody, request.body).tags)];
      await write(request, async ({ db }, id) => {
        await db.deleteFrom('tags').where('resource_id', '=', id).execute();
        if (tags.length > 0) {
          const rows = tags.map((tag) => ({ resource_id: id, tag }));
          await db.insertInto('tags').values(rows).execute();
        }
      });
      return { tags: await read(request) };
    });

    fastify.delete<ById>(path, async (request, reply) => {
      await write(request, ({ db }, id) => db.deleteFrom('tags').where('resource_id', '=', id).execute());
      return reply.code(204).send();
    });

    fastify.get<ByTag>(`${path}/:tag`, async (request, reply) => {
      const { id, tag } = request.params;
      if (!(await read(request)).includes(tag)) throw missing(id, tag);
      return reply.code(204).send();
    });

    fastify.put<ByTag>(`${path}/:tag`, async (request, reply) => {
      const { tag } = readBody(oneTag, { tag: request.params.tag });
      const isNew = await write(request, async ({ db }, id, tags) => {
        if (tags.includes(tag)) return false;
        if (tags.length >= MOST_TAGS) throw badCompute(`The number of tags exceeded the per-server limit ${MOST_TAGS}`);
        await db.insertInto('tags').values({ resource_id: id, tag }).execute();
        return true;
      });
      if (!isNew) return reply.code(204).send();
      const location = `${computeBase(request)}/servers/${request.params.id}/tags/${encodeURIComponent(tag)}`;
      return reply.code(201).header('location', location).send();
    });

    fastify.delete<ByTag>(`${path}/:tag`, async (request, reply) => {
      await write(request, async ({ db }, id, tags) => {
        const { tag } = request.params;
        if (!tags.includes(tag)) throw missing(id, tag);
        await db.deleteFrom('tags').where('resource_id', '=', id).where('tag', '=', tag).execute();
      });
      return reply.code(204).send();
    });
  };
