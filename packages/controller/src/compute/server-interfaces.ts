import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../caller.ts';
import { documented } from '../operation.ts';
import type { Reader, Transaction } from '../store/store.ts';
import { asServerRefusal, badCompute, conflicting, notFound } from './errors.ts';
import type { ServerNetworking, ServerPort } from './networking-port.ts';
import { readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { requireOwnServer, requireServer, type ServerRow, updateServer } from './servers.ts';

const id = z.string().min(1).max(255);
const attachBody = z.object({
  interfaceAttachment: z
    .object({
      port_id: id.nullish(),
      net_id: id.nullish(),
      fixed_ips: z
        .array(z.object({ ip_address: z.union([z.ipv4(), z.ipv6()], 'expected an IP address') }))
        .max(1)
        .nullish(),
    })
    .optional(),
});
type Wanted = NonNullable<z.output<typeof attachBody>['interfaceAttachment']>;

const interfaceDocument = (port: ServerPort): Record<string, unknown> => ({
  port_id: port.id,
  net_id: port.network_id,
  mac_addr: port.mac_address,
  port_state: port.status,
  fixed_ips: port.fixed_ips.map(({ subnet_id, ip_address }) => ({ subnet_id, ip_address })),
});

type ById = { Params: { id: string } };
type ByPort = { Params: { id: string; port: string } };

const ATTACH = documented(() => ({ summary: 'Give a server a port' }));

/** Interfaces of servers: `/v2.1/servers/{id}/os-interface`. */
export const serverInterfaceRoutes =
  ({ store, networking }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    const portsOf = async (db: Reader, serverId: string): Promise<readonly ServerPort[]> =>
      (await networking.portsOf(db, [serverId])).get(serverId) ?? [];
    const requirePort = async (db: Reader, serverId: string, portId: string): Promise<ServerPort> => {
      const port = (await portsOf(db, serverId)).find((candidate) => candidate.id === portId);
      if (port === undefined) throw notFound(`Instance ${serverId} does not have a port with id ${portId}`);
      return port;
    };

    fastify.get<ById>('/servers/:id/os-interface', async (request) => {
      const { caller } = request;
      return store.read(async (db) => {
        const server = await requireServer(db, caller, request.params.id);
        return { interfaceAttachments: (await portsOf(db, server.id)).map(interfaceDocument) };
      });
    });

    fastify.get<ByPort>('/servers/:id/os-interface/:port', async (request) => {
      const { caller } = request;
      return store.read(async (db) => {
        const server = await requireServer(db, caller, request.params.id);
        return { interfaceAttachment: interfaceDocument(await requirePort(db, server.id, request.params.port)) };
      });
    });

    fastify.post<ById>('/servers/:id/os-interface', ATTACH, async (request) => {
      const { caller } = request;
      const wanted = readBody(attachBody, request.body).interfaceAttachment ?? {};
      const port = await store.write(async (tx) => {
        const server = await requireOwnServer(tx.db, caller, request.params.id, 'os-attach-interfaces:create');
        const portId = await attach(tx, networking, caller, server, wanted);
        return requirePort(tx.db, server.id, portId);
      });
      return { interfaceAttachment: interfaceDocument(port) };
    });

    fastify.delete<ByPort>('/servers/:id/os-interface/:port', async (request, reply) => {
      const { caller } = request;
      await store.write(async (tx) => {
        const server = await requireOwnServer(tx.db, caller, request.params.id, 'os-attach-interfaces:delete');
        const { id: portId } = await requirePort(tx.db, server.id, request.params.port);
        if (server.own_port_ids.includes(portId)) await networking.deletePort(tx, portId);
        else await networking.unbindPort(tx, portId);
        const rest = server.own_port_ids.filter((own) => own !== portId);
        await updateServer(tx, server.id, { own_port_ids: rest });
      });
      return reply.code(202).send();
    });
  };

/** Gives the server the port, or one made on the network; answers the port's id. Throws 400, 404 and 409. */
async function attach(
  tx: Transaction,
  networking: ServerNetworking,
  caller: Caller,
  server: ServerRow,
  wanted: Wanted,
): Promise<string> {
  const { port_id: portId, net_id: netId } = wanted;
  const fixedIp = wanted.fixed_ips?.[0]?.ip_address;
  if (portId && netId) throw badCompute('Must not input both network_id and port_id');
  if (portId && fixedIp !== undefined) throw badCompute('Must not input both port_id and fixed_ips');
  if (fixedIp !== undefined && !netId) throw badCompute('Must input network_id when request IP address');
  const { id: serverId, host } = server;
  if (portId) {
    await networking.bindPort(tx, caller, { portId, serverId, host });
    await updateServer(tx, serverId, {});
    return portId;
  }
  const networkId = netId ?? (await onlyNetwork(tx.db, networking, caller));
  const made = await networking
    .createPort(tx, caller, {
      serverId,
      projectId: server.project_id,
      host,
      networkId,
      securityGroups: [],
      ...(fixedIp !== undefined && { fixedIp }),
    })
    .catch((error: unknown) => {
      throw asServerRefusal(error);
    });
  await updateServer(tx, serverId, { own_port_ids: [...server.own_port_ids, made] });
  return made;
}

async function onlyNetwork(db: Reader, networking: ServerNetworking, caller: Caller): Promise<string> {
  const [network, ...others] = await networking.networksFor(db, caller);
  if (others.length > 0) throw conflicting('Multiple possible networks found, use a Network ID to be more specific.');
  if (network === undefined) throw badCompute('No networks found for the project.');
  return network.id;
}
