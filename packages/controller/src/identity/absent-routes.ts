import type { FastifyPluginAsync } from 'fastify';
import { HIDDEN } from '../operation.ts';
import { listOf } from './answers.ts';
import { couldNotFind, forbiddenAction } from './errors.ts';
import type { Identity } from './identity.ts';
import { requireAdmin, requireCaller, requireSelfOrAdmin } from './session.ts';

/** Things that Identity knows and Portward has none of: collection, singular, and whether everyone may list it. */
const ABSENT = [
  { collection: 'groups', singular: 'group', open: false },
  { collection: 'credentials', singular: 'credential', open: true },
  { collection: 'policies', singular: 'policy', open: false },
  { collection: 'limits', singular: 'limit', open: true },
  { collection: 'registered_limits', singular: 'registered limit', open: true },
] as const;

/** Empty lists of what there is none of, so that clients and panels that look find nothing rather than an error. */
export const absentRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    for (const { collection, singular, open } of ABSENT) {
      fastify.get(`/${collection}`, async (request) => {
        if (open) requireCaller(identity, request);
        else requireAdmin(identity, request, `identity:list_${collection}`);
        return listOf(request, collection, []);
      });
      fastify.get<{ Params: { id: string } }>(`/${collection}/:id`, async (request) => {
        if (open) requireCaller(identity, request);
        else requireAdmin(identity, request, `identity:get_${singular}`);
        throw couldNotFind(singular, request.params.id);
      });
      fastify.post(`/${collection}`, HIDDEN, async (request) => {
        requireAdmin(identity, request, `identity:create_${singular}`);
        throw forbiddenAction(`${collection} are not offered and cannot be made`);
      });
    }

    fastify.get('/limits/model', async (request) => {
      requireCaller(identity, request);
      return { model: { name: 'flat', description: 'There are no limits, whatever the hierarchy of projects.' } };
    });

    fastify.get<{ Params: { user: string } }>('/users/:user/access_rules', async (request) => {
      requireSelfOrAdmin(identity, request, request.params.user, 'identity:list_access_rules');
      return listOf(request, 'access_rules', []);
    });
  };
