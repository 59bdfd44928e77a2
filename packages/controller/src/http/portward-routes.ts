import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { ApiError, badRequest } from '@portward/model/api-error.ts';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Feed } from '../feed/feed.ts';
import { enterReport, parseReport } from '../networking/agent-report.ts';
import type { Collection } from '../networking/collection.ts';
import type { Networking } from '../networking/networking.ts';
import { isHostAlive, knownAgent, ProgressOfHosts } from '../networking/progress.ts';
import type { Context } from '../networking/rules.ts';
import type { Store } from '../store/store.ts';
import { type Authenticator, requireToken } from './authentication.ts';
import { answerNetworkingError, noSuchPath } from './networking-errors.ts';
import {
  agentOperation,
  feedOperation,
  progressOperation,
  reportOperation,
  statusOperation,
} from './openapi/portward-operations.ts';

type Params = Record<string, string>;

/** Largest report of an agent: the states of some 100,000 objects. */
const REPORT_BYTES = 32 * 1024 * 1024;

interface Parts {
  store: Store;
  feed: Feed;
  networking: Networking;
  identity: Authenticator;
  /** What agents show to be let in. */
  agentToken: string;
}

/** What Neutron has no place for, below `/portward/v1`: the feed, agents' reports, how objects stand on the hosts. */
export function portwardRoutes(parts: Parts): FastifyPluginAsync {
  return async (root) => {
    root.setErrorHandler(answerNetworkingError);
    root.setNotFoundHandler(() => {
      throw noSuchPath();
    });
    const progress = new ProgressOfHosts(parts.store);
    await root.register(async (app) => agentRoutes(app, parts, progress));
    await root.register(async (app) => statusRoutes(app, parts));
    await root.register(async (app) => progressRoute(app, parts, progress));
  };
}

function agentRoutes(app: FastifyInstance, { store, feed, agentToken }: Parts, progress: ProgressOfHosts): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${agentToken}`);
  app.addHook('onRequest', async (request) => {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      throw new ApiError(
        401,
        'Unauthorized',
        'An agent’s credentials are required: see agent.yaml in the controller’s data directory.',
      );
    }
  });

  app.get('/feed', feedOperation, async (request, reply) => {
    const { after } = request.query as { after?: string };
    if (after !== undefined && !/^\d{1,15}$/.test(after))
      throw badRequest(`Invalid input for after. Reason: '${after}' is not an integer.`);
    const closed = new AbortController();
    reply.raw.on('close', () => closed.abort());
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    try {
      for await (const text of feed.lines(after === undefined ? undefined : Number(after), closed.signal)) {
        if (!reply.raw.write(text)) await Promise.race([once(reply.raw, 'drain'), once(reply.raw, 'close')]);
        if (closed.signal.aborted) break;
      }
    } catch (error) {
      request.log.error({ err: error }, 'feed ended');
    }
    reply.raw.end();
  });

  app.get('/agents/:host', agentOperation, async (request) => {
    const { host } = request.params as { host: string };
    return { agent: (await knownAgent(store, host)) ?? null };
  });

  app.post('/agents/:host/report', { bodyLimit: REPORT_BYTES, ...reportOperation }, async (request, reply) => {
    const { host } = request.params as { host: string };
    await enterReport(store, host, parseReport(request.body));
    progress.reported();
    return reply.code(204).send();
  });
}

/** Longest that a request may wait, seconds. */
const LONGEST_WAIT = 60;

function progressRoute(app: FastifyInstance, { identity }: Parts, progress: ProgressOfHosts): void {
  app.addHook('onRequest', requireToken(identity));
  app.get('/progress', progressOperation, async (request, reply) => {
    const { wait = '0' } = request.query as { wait?: unknown };
    if (typeof wait !== 'string' || !/^\d{1,3}$/.test(wait) || Number(wait) > LONGEST_WAIT) {
      throw badRequest(`Invalid input for wait. Reason: '${wait}' is no number of seconds from 0 to ${LONGEST_WAIT}.`);
    }
    const closed = new AbortController();
    reply.raw.once('close', () => closed.abort());
    const { position, settled, hosts } = await progress.wait(Number(wait), closed.signal);
    const live = hosts.filter(({ alive }) => alive);
    return {
      position,
      settled,
      live_hosts: live.length,
      behind: live.filter((host) => host.position < position).length,
      // What hosts there are is nothing for tenants.
      ...(request.caller.isAdmin && { hosts }),
    };
  });
}

function statusRoutes(app: FastifyInstance, { store, networking, identity }: Parts): void {
  app.addHook('onRequest', requireToken(identity));
  const answer = async (collection: Collection, request: FastifyRequest, context: Context) => {
    const { id } = request.params as Params;
    return store.read(async (db) => {
      const object = (await collection.find(db, id as string, context)) as { revision_number: number };
      const applied = await db
        .selectFrom('applied')
        .selectAll()
        .where('kind', '=', collection.definition.name)
        .where('resource_id', '=', id as string)
        .executeTakeFirst();
      return {
        status: applied?.status ?? 'DOWN',
        reason: applied === undefined ? 'No host has reported on it yet.' : applied.reason,
        host: applied?.host ?? null,
        host_alive: applied === undefined ? null : await isHostAlive(db, applied.host),
        revision_number: object.revision_number,
        applied_revision: applied?.revision_number ?? null,
        updated_at: applied?.updated_at ?? null,
      };
    });
  };
  const contextOf = (request: FastifyRequest): Context => ({ caller: request.caller, settings: networking.settings });
  for (const path of ['ports', 'routers', 'floatingips']) {
    const collection = networking.collections.get(path) as Collection;
    app.get(`/${path}/:id/status`, statusOperation, async (request) => answer(collection, request, contextOf(request)));
  }
  app.get('/floatingips/:parentId/port_forwardings/:id/status', statusOperation, async (request) =>
    answer(networking.portForwardings, request, {
      ...contextOf(request),
      parentId: (request.params as Params).parentId as string,
    }),
  );
}
