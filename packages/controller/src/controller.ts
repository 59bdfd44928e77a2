import { lstatSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Config } from '@portward/model/config.ts';
import type { Logger } from 'pino';
import { agentToken } from './credentials.ts';
import { takeDataDirectory } from './data-directory.ts';
import { Feed, loadFeedObjects } from './feed/feed.ts';
import { createServer } from './http/server.ts';
import { openIdentityService } from './identity-service.ts';
import { Networking } from './networking/networking.ts';
import { ServerPorts } from './networking/server-ports.ts';
import { PostgresqlStore } from './store/postgresql-store.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';

/** What a controller is started with, beside its configuration. */
export interface ControllerOptions {
  config: Pick<Config, 'listen' | 'socket' | 'data_dir' | 'store' | 'identity' | 'token_life' | 'networking'>;
  log: Logger;
  /** Of the user `admin`, on the first start with the embedded identity; random when absent. */
  adminPassword?: string | undefined;
  /** Also makes project and user `demo`. */
  demo?: boolean;
}

/** A controller that listens. */
export interface Controller {
  /** Where the API is: `http://127.0.0.1:9696`. */
  readonly url: string;
  readonly socket: string;
  stop(): Promise<void>;
}

/** Host and port of `host:port` or `[v6]:port`; throws on anything else. */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Error(`'${listen}' is no address to listen on: give HOST:PORT, for example 127.0.0.1:9696.`);
  return { host: (match[1] ?? match[2]) as string, port };
}

/**
 * Starts a controller: opens the store, writes the credentials on the first start, and listens on TCP and on a socket.
 * Throws one sentence that says what is in the way; then nothing of a controller that runs already has been touched.
 */
export async function startController({
  config,
  log,
  adminPassword,
  demo = false,
}: ControllerOptions): Promise<Controller> {
  const { host, port } = parseListen(config.listen);
  const directory = takeDataDirectory(config.data_dir);
  // Undone in reverse order, by a stop and by a start that fails half-way.
  const undo: (() => unknown)[] = [directory.release];
  const stop = async (): Promise<void> => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  try {
    const store = await openStore(config.store, directory.path);
    undo.push(() => store.close());
    const feed = new Feed(store);
    undo.push(() => feed.close());
    const identity = await openIdentityService(config, store, log);
    undo.push(() => identity.close());
    const networking = new Networking(store, config.networking);
    const app = await createServer({
      store,
      feed,
      identity: identity.authenticator,
      identityRoutes: identity.routes,
      networking,
      serverNetworking: new ServerPorts(networking.settings),
      agentToken: agentToken(directory.path),
      log,
    });
    undo.push(() => app.close());
    await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      throw new Error(cannotListen(config.listen, error));
    });
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${(app.server.address() as AddressInfo).port}`;
    await identity.makeFirstUsers(url, { dataDir: directory.path, adminPassword, demo });
    const socket = config.socket ?? join(directory.path, 'controller.sock');
    const unixServer = await listenOnSocket(app, socket);
    undo.push(() => {
      unixServer.closeAllConnections();
      unixServer.close();
    });
    return { url, socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The store that the configuration names. */
const openStore = (store: Config['store'], dataDir: string): Promise<Store> =>
  store === 'sqlite'
    ? SqliteStore.open(join(dataDir, 'portward.db'), loadFeedObjects)
    : PostgresqlStore.open(store, loadFeedObjects);

function cannotListen(listen: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') {
    return `${listen} is in use, perhaps by another controller; stop that one, or give --listen another address.`;
  }
  return `The API cannot listen on ${listen} (${error.message}); give --listen another address.`;
}

async function listenOnSocket(app: Awaited<ReturnType<typeof createServer>>, path: string): Promise<Server> {
  // Of a controller that was killed: one that runs would have the data directory.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
  const server = createHttpServer((request, response) => app.routing(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`The API cannot listen on the socket ${path} (${error.message}); give --socket another path.`));
    });
    server.listen(path, resolve);
  });
  return server;
}
