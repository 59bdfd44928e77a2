import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listOf, withSelf } from './answers.ts';
import { couldNotFind, impliesNot } from './errors.ts';
import type { Identity } from './identity.ts';
import { originOf } from './origin.ts';
import { descriptionText, idText, nameOf, noOptions, queryText, readBody, readChange } from './request-body.ts';
import {
  addImplication,
  createRole,
  deleteRole,
  type RoleRow,
  removeImplication,
  requireRole,
  roleDocument,
  updateRole,
} from './roles.ts';
import { requireAdmin } from './session.ts';

const attributes = {
  description: descriptionText.nullish(),
  domain_id: z.null('roles of one domain are not supported').optional(),
  options: noOptions.optional(),
};
const createBody = z.object({ role: z.object({ name: nameOf(255), ...attributes }) });
const updateBody = z.object({ role: z.object({ id: idText.optional(), name: nameOf(255).optional(), ...attributes }) });

type ById = { Params: { id: string } };
type Implication = { Params: { id: string; implied: string } };

/** Roles and what they imply: `/v3/roles`, `/v3/role_inferences`. */
export const roleRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const show = (request: FastifyRequest, row: RoleRow) => withSelf(request, `roles/${row.id}`, roleDocument(row));
    const showOne = async (request: FastifyRequest, id: string) => ({
      role: show(request, await identity.store.read((db) => requireRole(db, id))),
    });
    const brief = (request: FastifyRequest, { id, name }: RoleRow) => withSelf(request, `roles/${id}`, { id, name });
    const allRoles = () => identity.store.read((db) => db.selectFrom('roles').selectAll().orderBy('name').execute());

    fastify.get('/roles', async (request) => {
      requireAdmin(identity, request, 'identity:list_roles');
      const name = queryText(request.query, 'name');
      const domainId = queryText(request.query, 'domain_id');
      const rows = (await allRoles()).filter(
        (row) => (name === undefined || row.name === name) && (domainId === undefined || row.domain_id === domainId),
      );
      return listOf(
        request,
        'roles',
        rows.map((row) => show(request, row)),
      );
    });

    fastify.post('/roles', async (request, reply) => {
      requireAdmin(identity, request, 'identity:create_role');
      const { role } = readBody(createBody, request.body);
      const id = await identity.change((tx, standing) =>
        createRole(tx, standing, { name: role.name, description: role.description ?? '' }),
      );
      return reply.code(201).send(await showOne(request, id));
    });

    fastify.get<ById>('/roles/:id', async (request) => {
      requireAdmin(identity, request, 'identity:get_role');
      return showOne(request, request.params.id);
    });

    fastify.patch<ById>('/roles/:id', async (request) => {
      requireAdmin(identity, request, 'identity:update_role');
      const { id, name, description } = readChange(updateBody, request.body).role;
      await identity.change((tx, standing) =>
        updateRole(tx, standing, request.params.id, {
          id,
          name,
          ...(description !== undefined && { description: description ?? '' }),
        }),
      );
      return showOne(request, request.params.id);
    });

    fastify.delete<ById>('/roles/:id', async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_role');
      await identity.change((tx, standing) => deleteRole(tx, standing, request.params.id));
      return reply.code(204).send();
    });

    /** A role with those it implies directly. */
    const inference = (request: FastifyRequest, prior: RoleRow, roles: readonly RoleRow[]) => ({
      prior_role: brief(request, prior),
      implies: roles.filter((role) => prior.implies.includes(role.id)).map((role) => brief(request, role)),
    });

    /** One role with one of those that it implies. */
    const implication = (request: FastifyRequest, prior: RoleRow, implied: RoleRow) => ({
      role_inference: { prior_role: brief(request, prior), implies: brief(request, implied) },
      links: { self: `${originOf(request)}${request.url}` },
    });

    fastify.get('/role_inferences', async (request) => {
      requireAdmin(identity, request, 'identity:list_role_inference_rules');
      const roles = await allRoles();
      const priors = roles.filter((role) => role.implies.length > 0);
      return listOf(
        request,
        'role_inferences',
        priors.map((prior) => inference(request, prior, roles)),
      );
    });

    fastify.get<ById>('/roles/:id/implies', async (request) => {
      requireAdmin(identity, request, 'identity:list_implied_roles');
      const roles = await allRoles();
      const prior = roles.find((role) => role.id === request.params.id);
      if (prior === undefined) throw couldNotFind('role', request.params.id);
      return {
        role_inference: inference(request, prior, roles),
        links: { self: `${originOf(request)}${request.url}` },
      };
    });

    fastify.route<Implication>({
      method: ['GET', 'HEAD'],
      url: '/roles/:id/implies/:implied',
      handler: async (request, reply) => {
        requireAdmin(identity, request, 'identity:get_implied_role');
        const { id, implied } = request.params;
        const roles = await allRoles();
        const prior = roles.find((role) => role.id === id);
        const role = roles.find((candidate) => candidate.id === implied);
        if (prior === undefined || role === undefined || !prior.implies.includes(implied)) {
          throw impliesNot(id, implied);
        }
        if (request.method === 'HEAD') return reply.code(204).send();
        return implication(request, prior, role);
      },
    });

    fastify.put<Implication>('/roles/:id/implies/:implied', async (request, reply) => {
      requireAdmin(identity, request, 'identity:create_implied_role');
      const { id, implied } = request.params;
      await identity.change((tx, standing) => addImplication(tx, standing, id, implied));
      const roles = await allRoles();
      const byId = (wanted: string) => roles.find((role) => role.id === wanted) as RoleRow;
      return reply.code(201).send(implication(request, byId(id), byId(implied)));
    });

    fastify.delete<Implication>('/roles/:id/implies/:implied', async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_implied_role');
      const { id, implied } = request.params;
      await identity.change((tx, standing) => removeImplication(tx, standing, id, implied));
      return reply.code(204).send();
    });
  };
