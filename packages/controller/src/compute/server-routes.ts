import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { computeBase, linksTo } from './answers.ts';
import { minorVersion } from './microversion.ts';
import { nameText, readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { createServers } from './server-create.ts';
import { readNewServers } from './server-create-body.ts';
import { serverDocuments } from './server-document.ts';
import { listServers } from './server-list.ts';
import { deleteServer, requireOwnServer, requireServer, requireWriter, updateServer } from './servers.ts';

const updateBody = z.object({
  server: z.object({ name: nameText.optional(), description: z.string().max(255).nullish() }),
});

type ById = { Params: { id: string } };

/** Servers themselves: `/v2.1/servers`. */
export const serverRoutes =
  ({ store, networking, now }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const showOne = (request: FastifyRequest, id: string) => {
      const { caller } = request;
      return store.read(async (db) => {
        const row = await requireServer(db, caller, id);
        return { server: (await serverDocuments(db, networking, request, caller, [row]))[0] };
      });
    };

    fastify.get('/servers', async (request) => {
      const { caller } = request;
      const page = await store.read((db) => listServers(db, networking, caller, request, 'servers'));
      return {
        servers: page.items.map(({ id, name }) => ({ id, name, links: linksTo(request, `servers/${id}`) })),
        ...(page.links !== undefined && { servers_links: page.links }),
      };
    });

    fastify.get('/servers/detail', async (request) => {
      const { caller } = request;
      return store.read(async (db) => {
        const page = await listServers(db, networking, caller, request, 'servers/detail');
        return {
          servers: await serverDocuments(db, networking, request, caller, page.items),
          ...(page.links !== undefined && { servers_links: page.links }),
        };
      });
    });

    fastify.post('/servers', async (request, reply) => {
      const { caller } = request;
      requireWriter(caller, 'servers:create');
      const wanted = readNewServers(request.body, minorVersion(request));
      const ids = await store.write((tx) => createServers(tx, networking, caller, wanted, now()));
      const id = ids[0] as string;
      reply.code(202).header('location', `${computeBase(request)}/servers/${id}`);
      if (wanted.wantsReservation) return { reservation_id: `r-${id.slice(0, 8)}` };
      const groups = wanted.securityGroups.length === 0 ? ['default'] : wanted.securityGroups;
      return {
        server: {
          id,
          links: linksTo(request, `servers/${id}`),
          'OS-DCF:diskConfig': 'MANUAL',
          security_groups: groups.map((name) => ({ name })),
          // Clients expect one; no server is ever given it.
          adminPass: randomBytes(9).toString('base64url'),
        },
      };
    });

    fastify.get<ById>('/servers/:id', async (request) => showOne(request, request.params.id));

    fastify.put<ById>('/servers/:id', async (request) => {
      const { caller } = request;
      const { name, description } = readBody(updateBody, request.body).server;
      await store.write(async (tx) => {
        const { id } = await requireOwnServer(tx.db, caller, request.params.id, 'servers:update');
        await updateServer(tx, id, {
          ...(name !== undefined && { name }),
          ...(description !== undefined && { description }),
        });
      });
      return showOne(request, request.params.id);
    });

    fastify.delete<ById>('/servers/:id', async (request, reply) => {
      const { caller } = request;
      await store.write(async (tx) => {
        const row = await requireOwnServer(tx.db, caller, request.params.id, 'servers:delete');
        await deleteServer(tx, networking, row);
      });
      return reply.code(204).send();
    });
  };
