import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { HIDDEN } from '../operation.ts';
import { listOf, withSelf } from './answers.ts';
import { SYSTEM_TARGET, type Target } from './assignments.ts';
import { couldNotFind } from './errors.ts';
import { grant, requireGrant, requireParties, revokeGrant } from './grants.ts';
import type { Identity } from './identity.ts';
import { roleDocument } from './roles.ts';
import { requireAdmin } from './session.ts';

type OfUser = { Params: { target?: string; user: string } };
type OneGrant = { Params: { target?: string; user: string; role: string } };
type OfGroup = { Params: { group: string } };

/** Where roles are granted: the path of the target, and what the path means. */
const TARGETS: readonly { path: string; target: (id: string) => Target }[] = [
  { path: '/projects/:target', target: (id) => ({ type: 'project', id }) },
  { path: '/domains/:target', target: (id) => ({ type: 'domain', id }) },
  { path: '/system', target: () => SYSTEM_TARGET },
];

/** Grants of roles to users: `/v3/projects/{p}/users/{u}/roles[/{r}]` and the like. There are no groups. */
export const grantRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    for (const { path, target } of TARGETS) {
      const targetOf = (request: FastifyRequest<OfUser>): Target => target(request.params.target ?? '');
      const ofUser = `${path}/users/:user/roles`;

      fastify.get<OfUser>(ofUser, async (request) => {
        requireAdmin(identity, request, 'identity:list_grants');
        const on = targetOf(request);
        const rows = await identity.store.read(async (db) => {
          await requireParties(db, request.params.user, on);
          return db
            .selectFrom('roles')
            .innerJoin('role_assignments', 'role_assignments.role_id', 'roles.id')
            .selectAll('roles')
            .where('user_id', '=', request.params.user)
            .where('target_type', '=', on.type)
            .where('target_id', '=', on.id)
            .orderBy('roles.name')
            .execute();
        });
        return listOf(
          request,
          'roles',
          rows.map((row) => withSelf(request, `roles/${row.id}`, roleDocument(row))),
        );
      });

      fastify.route<OneGrant>({
        method: ['GET', 'HEAD'],
        url: `${ofUser}/:role`,
        handler: async (request, reply) => {
          requireAdmin(identity, request, 'identity:check_grant');
          const { user, role } = request.params;
          await identity.store.read((db) => requireGrant(db, user, role, targetOf(request)));
          return reply.code(204).send();
        },
      });

      fastify.put<OneGrant>(`${ofUser}/:role`, async (request, reply) => {
        requireAdmin(identity, request, 'identity:create_grant');
        const { user, role } = request.params;
        await identity.change((tx) => grant(tx, user, role, targetOf(request)));
        return reply.code(204).send();
      });

      fastify.delete<OneGrant>(`${ofUser}/:role`, async (request, reply) => {
        requireAdmin(identity, request, 'identity:revoke_grant');
        const { user, role } = request.params;
        await identity.change((tx, standing) => revokeGrant(tx, standing, user, role, targetOf(request)));
        return reply.code(204).send();
      });

      for (const url of [`${path}/groups/:group/roles`, `${path}/groups/:group/roles/:role`]) {
        fastify.route<OfGroup>({
          ...HIDDEN,
          method: ['GET', 'HEAD', 'PUT', 'DELETE'],
          url,
          handler: async (request) => {
            requireAdmin(identity, request, 'identity:list_grants');
            throw couldNotFind('group', request.params.group);
          },
        });
      }
    }
  };
