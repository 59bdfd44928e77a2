import { ApiError, badRequest } from '@portward/model/api-error.ts';
import { objectOf } from '@portward/model/json-schema.ts';
import { quota } from '@portward/model/quota.ts';
import { updateSchema } from '@portward/model/resource-schema.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { QueryString } from '../networking/list-query.ts';
import type { Quotas } from '../networking/quota.ts';
import { documented, HIDDEN } from '../operation.ts';
import { methodNotAllowed } from './networking-errors.ts';
import { singleBody } from './resource-body.ts';

type ByProject = { Params: { project: string } };

/** Longest id of a project. */
const LONGEST_ID = 255;

const queryOf = (request: FastifyRequest): QueryString => request.query as QueryString;

/** The project of the token, which the paths below answer. */
function ownProject(request: FastifyRequest): string {
  const { projectId } = request.caller;
  if (projectId === '') throw new ApiError(400, 'QuotaMissingTenant', 'Tenant-id was missing from quota request.');
  return projectId;
}

const UPDATE = documented(() => ({
  description: 'For admins only.',
  body: objectOf({ quota: updateSchema(quota) }),
}));

/** Limits of projects: `/v2.0/quotas`. */
export function quotaRoutes(app: FastifyInstance, quotas: Quotas): void {
  app.get('/quotas', async (request) => ({ quotas: await quotas.list(queryOf(request), request.caller) }));
  app.post('/quotas', HIDDEN, async () => {
    throw new ApiError(
      501,
      'HTTPNotImplemented',
      'The server has either erred or is incapable of performing the requested operation.',
    );
  });
  app.delete('/quotas', HIDDEN, async () => {
    throw quota.notFound('None');
  });
  app.get('/quotas/project', async (request) => ({ project: { project_id: ownProject(request) } }));
  app.get('/quotas/tenant', async (request) => ({ tenant: { tenant_id: ownProject(request) } }));

  app.get<ByProject>('/quotas/:project', async (request) => ({
    quota: await quotas.show(request.params.project, queryOf(request), request.caller),
  }));
  app.get<ByProject>('/quotas/:project/default', async (request) => ({
    quota: quotas.defaults(request.params.project, queryOf(request), request.caller),
  }));
  app.get<ByProject>('/quotas/:project/details', async (request) => ({
    quota: await quotas.details(request.params.project, queryOf(request), request.caller),
  }));
  app.put<ByProject>('/quotas/:project', UPDATE, async (request) => {
    const { project } = request.params;
    if (project.length > LONGEST_ID) throw badRequest(`'${project}' exceeds maximum length of ${LONGEST_ID}`);
    return { quota: await quotas.update(project, singleBody(quota, request.body), request.caller) };
  });
  app.delete<ByProject>('/quotas/:project', async (request, reply) => {
    await quotas.remove(request.params.project, request.caller);
    return reply.code(204).send();
  });
  app.route({ ...HIDDEN, method: ['PUT', 'PATCH'], url: '/quotas', handler: methodNotAllowed });
  app.route({ ...HIDDEN, method: ['POST', 'PATCH'], url: '/quotas/:project', handler: methodNotAllowed });
}
