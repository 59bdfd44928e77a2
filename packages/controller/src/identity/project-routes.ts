import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Reader } from '../store/store.ts';
import { listOf, withSelf } from './answers.ts';
import { domainOfCaller } from './domains.ts';
import type { Identity } from './identity.ts';
import { requireProjectReader } from './project-access.ts';
import { projectRelatives } from './project-relatives.ts';
import { projectTagList } from './project-tag-routes.ts';
import {
  createProject,
  deleteProject,
  type ProjectRow,
  projectDocument,
  projectsOfUser,
  projectTags,
  requireProject,
  updateProject,
} from './projects.ts';
import {
  descriptionText,
  idText,
  nameOf,
  noOptions,
  queryFlag,
  queryText,
  readBody,
  readChange,
} from './request-body.ts';
import { requireAdmin, requireSelfOrAdmin } from './session.ts';
import { requireUser } from './users.ts';

const createBody = z.object({
  project: z.object({
    name: nameOf(64),
    domain_id: idText.nullish(),
    parent_id: idText.nullish(),
    description: descriptionText.nullish(),
    enabled: z.boolean().optional(),
    is_domain: z.literal(false, 'domains are made at /v3/domains').optional(),
    tags: projectTagList.optional(),
    options: noOptions.optional(),
  }),
});

const updateBody = z.object({
  project: z.object({
    id: idText.optional(),
    domain_id: idText.nullish(),
    parent_id: idText.nullish(),
    name: nameOf(64).optional(),
    description: descriptionText.nullish(),
    enabled: z.boolean().optional(),
    tags: projectTagList.optional(),
    options: noOptions.optional(),
  }),
});

type ById = { Params: { id: string } };

/** Projects: `/v3/projects` and `/v3/users/{id}/projects`. */
export const projectRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const show = async (db: Reader, request: FastifyRequest, rows: readonly ProjectRow[]) => {
      const tagsOf = await projectTags(db, rows);
      return rows.map((row) => withSelf(request, `projects/${row.id}`, projectDocument(row, tagsOf)));
    };
    const showOne = (request: FastifyRequest, id: string) =>
      identity.store.read(async (db) => ({ project: (await show(db, request, [await requireProject(db, id)]))[0] }));

    fastify.get('/projects', async (request) => {
      requireAdmin(identity, request, 'identity:list_projects');
      return identity.store.read(async (db) => {
        const rows = await filteredProjects(db, request.query);
        return listOf(request, 'projects', filterByTags(await show(db, request, rows), request.query));
      });
    });

    fastify.post('/projects', async (request, reply) => {
      const caller = requireAdmin(identity, request, 'identity:create_project');
      const { project } = readBody(createBody, request.body);
      const id = await identity.change(async (tx) =>
        createProject(tx, {
          name: project.name,
          domainId: project.domain_id ?? (await domainOfCaller(tx.db, caller)),
          parentId: project.parent_id ?? undefined,
          description: project.description,
          enabled: project.enabled,
          tags: project.tags,
        }),
      );
      return reply.code(201).send(await showOne(request, id));
    });

    fastify.get<ById>('/projects/:id', async (request) => {
      const { id } = request.params;
      const caller = await requireProjectReader(identity, request, id, 'identity:get_project');
      return identity.store.read(async (db) => {
        const row = await requireProject(db, id);
        const [project] = await show(db, request, [row]);
        const relatives = await projectRelatives(db, caller.userId, row, request.query, (rows) =>
          show(db, request, rows),
        );
        return { project: { ...project, ...relatives } };
      });
    });

    fastify.patch<ById>('/projects/:id', async (request) => {
      requireAdmin(identity, request, 'identity:update_project');
      const { project } = readChange(updateBody, request.body);
      await identity.change((tx, standing) => updateProject(tx, standing, request.params.id, project));
      return showOne(request, request.params.id);
    });

    fastify.delete<ById>('/projects/:id', async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_project');
      await identity.change((tx, standing) => deleteProject(tx, standing, request.params.id));
      return reply.code(204).send();
    });

    fastify.get<ById>('/users/:id/projects', async (request) => {
      const { id } = request.params;
      requireSelfOrAdmin(identity, request, id, 'identity:list_user_projects');
      return identity.store.read(async (db) => {
        await requireUser(db, id);
        const name = queryText(request.query, 'name');
        const enabled = queryFlag(request.query, 'enabled');
        const rows = (await projectsOfUser(db, id)).filter(
          (row) => (name === undefined || row.name === name) && (enabled === undefined || row.enabled === enabled),
        );
        return listOf(request, 'projects', await show(db, request, rows));
      });
    });
  };

function filteredProjects(db: Reader, query: unknown): Promise<ProjectRow[]> {
  let select = db.selectFrom('projects').selectAll();
  for (const key of ['name', 'domain_id', 'parent_id'] as const) {
    const value = queryText(query, key);
    if (value !== undefined) select = select.where(key, '=', value);
  }
  for (const key of ['enabled', 'is_domain'] as const) {
    const value = queryFlag(query, key);
    if (value !== undefined) select = select.where(key, '=', value);
  }
  return select.orderBy('name').orderBy('id').execute();
}

/** tags: has all; tags-any: has one; not-tags: lacks one; not-tags-any: has none. Lists are comma separated. */
function filterByTags(projects: Record<string, unknown>[], query: unknown): Record<string, unknown>[] {
  const wanted = (key: string): string[] | undefined => queryText(query, key)?.split(',');
  const [all, any, notAll, notAny] = ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map(wanted);
  return projects.filter((project) => {
    const has = (tag: string) => (project.tags as string[]).includes(tag);
    return (
      (all?.every(has) ?? true) &&
      (any?.some(has) ?? true) &&
      !(notAll?.every(has) ?? false) &&
      !(notAny?.some(has) ?? false)
    );
  });
}
