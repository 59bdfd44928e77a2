import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { documented } from '../operation.ts';
import type { Reader } from '../store/store.ts';
import { badCompute, notFound } from './errors.ts';
import type { ServerPort } from './networking-port.ts';
import { requireMetadataRoom } from './quota-limits.ts';
import { MOST_METADATA, metadataItem, metadataOf, readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { groupDocument } from './security-groups.ts';
import { addressesOf, groupsOf } from './server-document.ts';
import { requireOwnServer, requireServer, type ServerRow, updateServer } from './servers.ts';

const metadataBody = z.object({ metadata: metadataOf });
const metaBody = z.object({ meta: z.record(z.string(), metadataItem) });

type ById = { Params: { id: string } };
type ByKey = { Params: { id: string; key: string } };

const ADD_METADATA = documented(() => ({ summary: 'Add to the metadata of a server' }));

/** Smaller views of a server: its addresses, security groups, metadata and history. */
export const serverPartRoutes =
  ({ store, networking }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const portsOf = async (db: Reader, id: string): Promise<readonly ServerPort[]> =>
      (await networking.portsOf(db, [id])).get(id) ?? [];
    /** Reads the server of the path, and what else `view` needs. */
    const view = <T>(request: FastifyRequest<ById>, read: (db: Reader, server: ServerRow) => Promise<T> | T) => {
      const { caller } = request;
      return store.read(async (db) => read(db, await requireServer(db, caller, request.params.id)));
    };
    /** Changes the metadata of the server of the path; answers what it is then. */
    const changeMetadata = (
      request: FastifyRequest<ById>,
      change: (metadata: Record<string, unknown>) => Record<string, unknown>,
    ): Promise<Record<string, unknown>> => {
      const { caller } = request;
      return store.write(async (tx) => {
        const server = await requireOwnServer(tx.db, caller, request.params.id, 'server-metadata:update');
        const metadata = change(server.metadata);
        if (Object.keys(metadata).length > MOST_METADATA)
          throw badCompute('Maximum number of metadata items exceeds 128');
        if (Object.keys(metadata).length > Object.keys(server.metadata).length)
          await requireMetadataRoom(tx.db, server.project_id, metadata);
        await updateServer(tx, server.id, { metadata });
        return metadata;
      });
    };
    const itemOf = (metadata: Record<string, unknown>, key: string): unknown => {
      if (!Object.hasOwn(metadata, key)) throw notFound('Metadata item was not found');
      return metadata[key];
    };

    fastify.get<ById>('/servers/:id/ips', (request) =>
      view(request, async (db, { id }) => ({ addresses: addressesOf(await portsOf(db, id), true) })),
    );
    fastify.get<{ Params: { id: string; network: string } }>('/servers/:id/ips/:network', (request) =>
      view(request, async (db, { id }) => {
        const { network } = request.params;
        const addresses = addressesOf(await portsOf(db, id), true);
        if (!Object.hasOwn(addresses, network)) throw notFound('Instance is not a member of specified network');
        return { [network]: addresses[network] };
      }),
    );

    fastify.get<ById>('/servers/:id/os-security-groups', (request) =>
      view(request, async (db, { id }) => ({
        security_groups: groupsOf(await portsOf(db, id)).map(groupDocument),
      })),
    );

    fastify.get<ById>('/servers/:id/metadata', (request) => view(request, (_db, { metadata }) => ({ metadata })));
    fastify.post<ById>('/servers/:id/metadata', ADD_METADATA, async (request) => {
      const { metadata } = readBody(metadataBody, request.body);
      return { metadata: await changeMetadata(request, (current) => ({ ...current, ...metadata })) };
    });
    fastify.put<ById>('/servers/:id/metadata', async (request) => {
      const { metadata } = readBody(metadataBody, request.body);
      return { metadata: await changeMetadata(request, () => metadata) };
    });
    fastify.get<ByKey>('/servers/:id/metadata/:key', (request) =>
      view(request, (_db, { metadata }) => ({ meta: { [request.params.key]: itemOf(metadata, request.params.key) } })),
    );
    fastify.put<ByKey>('/servers/:id/metadata/:key', async (request) => {
      const { key } = request.params;
      const { meta } = readBody(metaBody, request.body);
      if (Object.keys(meta).length !== 1 || !Object.hasOwn(meta, key) || key.length > 255) {
        throw badCompute('Request body and URI mismatch');
      }
      await changeMetadata(request, (current) => ({ ...current, ...meta }));
      return { meta };
    });
    fastify.delete<ByKey>('/servers/:id/metadata/:key', async (request, reply) => {
      await changeMetadata(request, (current) => {
        itemOf(current, request.params.key);
        return Object.fromEntries(Object.entries(current).filter(([key]) => key !== request.params.key));
      });
      return reply.code(204).send();
    });

    /** What is known of a server's history: that it was created. */
    const creation = (server: ServerRow) => ({
      action: 'create',
      instance_uuid: server.id,
      request_id: `req-${server.id}`,
      user_id: server.user_id,
      project_id: server.project_id,
      start_time: server.created_at.replace('Z', '.000000'),
      updated_at: server.created_at.replace('Z', '.000000'),
      message: null,
    });
    fastify.get<ById>('/servers/:id/os-instance-actions', (request) =>
      view(request, (_db, server) => ({ instanceActions: [creation(server)] })),
    );
    fastify.get<{ Params: { id: string; action: string } }>('/servers/:id/os-instance-actions/:action', (request) =>
      view(request, (_db, server) => {
        if (request.params.action !== creation(server).request_id) {
          throw notFound(`Action for request_id ${request.params.action} on instance ${server.id} not found`);
        }
        return { instanceAction: { ...creation(server), events: [] } };
      }),
    );

    fastify.get<ById>('/servers/:id/os-volume_attachments', (request) =>
      view(request, () => ({ volumeAttachments: [] })),
    );
  };
