import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listOf, withSelf } from './answers.ts';
import { createDomain, deleteDomain, updateDomain } from './domain-changes.ts';
import { domainDocument, domainOfCaller, requireDomain } from './domains.ts';
import { forbiddenAction } from './errors.ts';
import type { Identity } from './identity.ts';
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
import { requireAdmin, requireCaller } from './session.ts';

const attributes = {
  description: descriptionText.nullish(),
  enabled: z.boolean().optional(),
  options: noOptions.optional(),
};
const createBody = z.object({ domain: z.object({ name: nameOf(64), ...attributes }) });
const updateBody = z.object({
  domain: z.object({ id: idText.optional(), name: nameOf(64).optional(), ...attributes }),
});

type ById = { Params: { id: string } };

/** Domains: `/v3/domains`. */
export const domainRoutes =
  (identity: Identity): FastifyPluginAsync =>
  async (fastify) => {
    const showOne = async (request: FastifyRequest, id: string) => ({
      domain: withSelf(
        request,
        `domains/${id}`,
        domainDocument(await identity.store.read((db) => requireDomain(db, id))),
      ),
    });

    fastify.get('/domains', async (request) => {
      requireAdmin(identity, request, 'identity:list_domains');
      const name = queryText(request.query, 'name');
      const enabled = queryFlag(request.query, 'enabled');
      const rows = await identity.store.read((db) =>
        db
          .selectFrom('domains')
          .selectAll()
          .$if(name !== undefined, (query) => query.where('name', '=', name as string))
          .$if(enabled !== undefined, (query) => query.where('enabled', '=', enabled as boolean))
          .orderBy('name')
          .execute(),
      );
      return listOf(
        request,
        'domains',
        rows.map((row) => withSelf(request, `domains/${row.id}`, domainDocument(row))),
      );
    });

    fastify.post('/domains', async (request, reply) => {
      requireAdmin(identity, request, 'identity:create_domain');
      const { domain } = readBody(createBody, request.body);
      const id = await identity.change((tx) =>
        createDomain(tx, {
          name: domain.name,
          description: domain.description ?? '',
          enabled: domain.enabled ?? true,
        }),
      );
      return reply.code(201).send(await showOne(request, id));
    });

    fastify.get<ById>('/domains/:id', async (request) => {
      const caller = requireCaller(identity, request);
      const { id } = request.params;
      if (!caller.isAdmin && (await identity.store.read((db) => domainOfCaller(db, caller))) !== id) {
        throw forbiddenAction('identity:get_domain');
      }
      return showOne(request, id);
    });

    fastify.patch<ById>('/domains/:id', async (request) => {
      requireAdmin(identity, request, 'identity:update_domain');
      const { description, ...change } = readChange(updateBody, request.body).domain;
      await identity.change((tx, standing) =>
        updateDomain(tx, standing, request.params.id, {
          ...change,
          ...(description !== undefined && { description: description ?? '' }),
        }),
      );
      return showOne(request, request.params.id);
    });

    fastify.delete<ById>('/domains/:id', async (request, reply) => {
      requireAdmin(identity, request, 'identity:delete_domain');
      await identity.change((tx, standing) => deleteDomain(tx, standing, request.params.id));
      return reply.code(204).send();
    });
  };
