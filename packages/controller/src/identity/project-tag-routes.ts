import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Reader } from '../store/store.ts';
import { couldNotFind } from './errors.ts';
import type { Identity } from './identity.ts';
import { originOf } from './origin.ts';
import { requireProjectReader } from './project-access.ts';
import { projectTags, requireProject, writeProjectTags } from './projects.ts';
import { readBody } from './request-body.ts';
import { requireAdmin } from './session.ts';

/** Longest tag, and most tags of a project: Keystone's bounds. */
const tag = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^,/]*$/, "does not match '^[^,/]*$'");
const MOST_TAGS = 80;

/** The tags of a project in a body. */
export const projectTagList: z.ZodType<string[]> = z.array(tag).max(MOST_TAGS);

const tagsBody = z.object({ tags: projectTagList });

type OfProject = { Params: { id: string } };
type ByTag = { Params: { id: string; tag: string } };

/** Tags of projects: `/v3/projects/{id}/tags`. */
export const projectTagRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const path = '/projects/:id/tags';
    const tagsOf = async (db: Reader, id: string): Promise<string[]> =>
      (await projectTags(db, [await requireProject(db, id)])).get(id) ?? [];
    const read = (id: string) => identity.store.read((db) => tagsOf(db, id));
    /** Replaces the tags by what `change` makes of them. */
    const write = (id: string, change: (tags: string[]) => readonly string[]) =>
      identity.change(async ({ db }) => {
        await writeProjectTags(db, id, change(await tagsOf(db, id)));
      });
    const document = (request: FastifyRequest, tags: readonly string[]) => ({
      tags,
      links: { self: `${originOf(request)}/identity/v3${request.url.split('/v3')[1]?.split('?')[0] ?? ''}` },
    });
    const without = (tags: readonly string[], gone: string): string[] => {
      if (!tags.includes(gone)) throw couldNotFind('project tag', gone);
      return tags.filter((one) => one !== gone);
    };

    fastify.get<OfProject>(path, async (request) => {
      await requireProjectReader(identity, request, request.params.id, 'identity:list_project_tags');
      return document(request, await read(request.params.id));
    });

    fastify.put<OfProject>(path, async (request) => {
      requireAdmin(identity, request, 'identity:update_project_tags');
      const { tags } = readBody(tagsBody, request.body);
      await write(request.params.id, () => tags);
      return document(request, await read(request.params.id));
    });

    fastify.delete<OfProject>(path, async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_project_tags');
      await write(request.params.id, () => []);
      return reply.code(204).send();
    });

    fastify.route<ByTag>({
      method: ['GET', 'HEAD'],
      url: `${path}/:tag`,
      handler: async (request, reply) => {
        const { id, tag: wanted } = request.params;
        await requireProjectReader(identity, request, id, 'identity:get_project_tag');
        without(await read(id), wanted);
        return reply.code(204).send();
      },
    });

    fastify.put<ByTag>(`${path}/:tag`, async (request, reply) => {
      requireAdmin(identity, request, 'identity:create_project_tag');
      await write(request.params.id, (tags) => {
        const { tags: all } = readBody(tagsBody, { tags: [...new Set([...tags, request.params.tag])] });
        return all;
      });
      return reply.code(201).send();
    });

    fastify.delete<ByTag>(`${path}/:tag`, async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_project_tag');
      await write(request.params.id, (tags) => without(tags, request.params.tag));
      return reply.code(204).send();
    });
  };
