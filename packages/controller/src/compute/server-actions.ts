import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../caller.ts';
import { documented } from '../operation.ts';
import type { Transaction } from '../store/store.ts';
import { badCompute, conflicting, policyForbids } from './errors.ts';
import type { ServerNetworking } from './networking-port.ts';
import { readBody } from './request-body.ts';
import type { ComputeRoom } from './room.ts';
import { type ServerStatus, startedStatus, statesOf } from './server-status.ts';
import {
  deleteServer,
  requireOwnServer,
  requireServer,
  requireWriter,
  type ServerRow,
  updateServer,
} from './servers.ts';

/** What an action works with. */
interface Acting {
  readonly tx: Transaction;
  readonly networking: ServerNetworking;
  readonly caller: Caller;
  readonly server: ServerRow;
  /** What the body says under the action's name. */
  readonly input: unknown;
}

/** An action: what it does, and what it answers beside 202. */
type Action = (acting: Acting) => Promise<Record<string, unknown> | undefined>;

const inState = (action: string, server: ServerRow): Error =>
  conflicting(`Cannot '${action}' instance ${server.id} while it is in vm_state ${statesOf(server).vm}`);

const groupBody = z.object({ name: z.string().min(1).max(255) });
const rebootBody = z.object({
  type: z
    .string()
    .transform((type) => type.toUpperCase())
    .pipe(z.literal(['SOFT', 'HARD'])),
});
const stateBody = z.object({ state: z.literal(['active', 'error']) });
const consoleBody = z.object({ length: z.union([z.int(), z.string()]).nullish() }).nullable();

async function start({ tx, server }: Acting): Promise<undefined> {
  if (server.running) throw inState('start', server);
  const status = startedStatus(server.host, server.status as ServerStatus);
  await updateServer(tx, server.id, { running: true, status });
}

async function stop({ tx, server }: Acting): Promise<undefined> {
  if (!server.running) throw inState('stop', server);
  await updateServer(tx, server.id, { running: false, status: 'SHUTOFF' });
}

/** A server that was stopped is started by a hard reboot only. */
async function reboot({ tx, server, input }: Acting): Promise<undefined> {
  const { type } = readBody(rebootBody, input);
  if (!server.running && type === 'SOFT') throw inState('reboot', server);
  await updateServer(tx, server.id, {
    running: true,
    status: server.running ? server.status : startedStatus(server.host, server.status as ServerStatus),
  });
}

async function addSecurityGroup({ tx, networking, caller, server, input }: Acting): Promise<undefined> {
  await networking.addSecurityGroup(tx, caller, server.id, readBody(groupBody, input).name);
}

async function removeSecurityGroup({ tx, networking, caller, server, input }: Acting): Promise<undefined> {
  await networking.removeSecurityGroup(tx, caller, server.id, readBody(groupBody, input).name);
}

const setLocked =
  (locked: boolean): Action =>
  async ({ tx, server }) => {
    await updateServer(tx, server.id, { locked });
    return undefined;
  };

async function forceDelete({ tx, networking, server }: Acting): Promise<undefined> {
  await deleteServer(tx, networking, server);
}

async function resetState({ tx, caller, server, input }: Acting): Promise<undefined> {
  if (!caller.isAdmin) throw policyForbids('os-admin-actions:reset_state');
  const { state } = readBody(stateBody, input);
  await updateServer(tx, server.id, { status: state === 'active' ? 'ACTIVE' : 'ERROR' });
}

/** Servers are recorded, not run: there is a console, and nothing was written to it. */
async function consoleOutput({ input }: Acting): Promise<{ output: string }> {
  readBody(consoleBody, input);
  return { output: '' };
}

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['os-start', start],
  ['os-stop', stop],
  ['reboot', reboot],
  ['addSecurityGroup', addSecurityGroup],
  ['removeSecurityGroup', removeSecurityGroup],
  ['lock', setLocked(true)],
  ['unlock', setLocked(false)],
  ['forceDelete', forceDelete],
  ['os-resetState', resetState],
  ['os-getConsoleOutput', consoleOutput],
]);

/** Actions that a locked server does not refuse its owner. */
const DESPITE_LOCK = new Set(['lock', 'unlock', 'os-getConsoleOutput']);

const ACT = documented(() => ({ summary: 'Act on a server: start, stop, reboot, …' }));

/** `POST /v2.1/servers/{id}/action`. */
export const serverActionRoutes =
  ({ store, networking }: ComputeRoom): FastifyPluginAsync =>
  async (fastify) => {
    fastify.post<{ Params: { id: string } }>('/servers/:id/action', ACT, async (request, reply) => {
      const { caller } = request;
      const { name, input } = readAction(request.body);
      const action = ACTIONS.get(name);
      const answer = await store.write(async (tx) => {
        const server = await requireServer(tx.db, caller, request.params.id);
        requireWriter(caller, `servers:${name}`);
        if (action === undefined) throw badCompute(`There is no such action: ${name}`);
        if (!DESPITE_LOCK.has(name)) await requireOwnServer(tx.db, caller, server.id, `servers:${name}`);
        return action({ tx, networking, caller, server, input });
      });
      return answer === undefined ? reply.code(202).send() : reply.code(200).send(answer);
    });
  };

/** The one action that a body names. Throws 400. */
function readAction(body: unknown): { name: string; input: unknown } {
  const entries = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.entries(body) : [];
  const entry = entries[0];
  if (entry === undefined || entries.length > 1) throw badCompute('The request body must name one action.');
  return { name: entry[0], input: entry[1] };
}
