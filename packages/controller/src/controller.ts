import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Config } from '@portward/model/config.ts';
import type { Logger } from 'pino';
import { agentToken, CLOUDS_HEADER, type CloudEntry, cloudEntry, writePrivateFile } from './credentials.ts';
import { Feed, loadFeedObjects } from './feed/feed.ts';
import { createServer } from './http/server.ts';
import { Identity } from './identity/identity.ts';
import { Networking } from './networking/networking.ts';
import { ServerPorts } from './networking/server-ports.ts';
import { SqliteStore } from './store/store.ts';

/** What a controller is started with, beside its configuration. */
export interface ControllerOptions {
  config: Pick<Config, 'listen' | 'socket' | 'data_dir' | 'token_life' | 'networking'>;
  log: Logger;
  /** Of the user `admin`, on the first start; random when absent. */
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

/** Starts a controller: opens the store, writes the credentials on the first start, and listens on TCP and on a socket. */
export async function startController({
  config,
  log,
  adminPassword,
  demo = false,
}: ControllerOptions): Promise<Controller> {
  const { host, port } = parseListen(config.listen);
  const dataDir = config.data_dir;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = await SqliteStore.open(join(dataDir, 'portward.db'), loadFeedObjects);
  const feed = new Feed(store);
  const identity = await Identity.open(store, { tokenLife: config.token_life });
  const networking = new Networking(store, config.networking);
  const app = await createServer({
    store,
    feed,
    identity,
    networking,
    serverNetworking: new ServerPorts(networking.settings),
    agentToken: agentToken(dataDir),
    log,
  });
  const socket = config.socket ?? join(dataDir, 'controller.sock');
  let unixServer: Server | undefined;
  const stop = async (): Promise<void> => {
    unixServer?.closeAllConnections();
    unixServer?.close();
    await app.close();
    feed.close();
    await store.close();
    rmSync(socket, { force: true });
  };
  try {
    await app.listen({ host, port });
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${(app.server.address() as AddressInfo).port}`;
    await makeFirstUsers(identity, dataDir, url, adminPassword, demo);
    unixServer = await listenOnSocket(app, socket);
    return { url, socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes the first users; their passwords go into clouds.yaml, the only place where they stand, before they count. */
async function makeFirstUsers(
  identity: Identity,
  dataDir: string,
  url: string,
  adminPassword: string | undefined,
  demo: boolean,
): Promise<void> {
  const path = join(dataDir, 'clouds.yaml');
  const cloud = (name: string, username: string, password: string): CloudEntry => ({
    name,
    authUrl: `${url}/identity/v3`,
    username,
    password,
    project: username,
  });
  await identity.bootstrap({
    ...(adminPassword !== undefined && { adminPassword }),
    demo,
    keep: (made) => {
      const present = made.admin === undefined && existsSync(path) ? readFileSync(path, 'utf8') : CLOUDS_HEADER;
      const clouds = [
        ...(made.admin ? [cloud('portward-admin', 'admin', made.admin.password)] : []),
        ...(made.demo ? [cloud('portward-demo', 'demo', made.demo.password)] : []),
      ];
      writePrivateFile(path, present + clouds.map(cloudEntry).join(''));
    },
  });
}

async function listenOnSocket(app: Awaited<ReturnType<typeof createServer>>, path: string): Promise<Server> {
  // A socket file of a controller that was killed is in the way; one that answers would have kept the TCP port, too.
  rmSync(path, { force: true });
  const server = createHttpServer((request, response) => app.routing(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}
