import { parseConfig } from '@portward/model/config.ts';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Feed, loadFeedObjects } from '../feed/feed.ts';
import { CloudFixture } from '../identity/cloud-fixture.ts';
import { identityRoutes } from '../identity/routes.ts';
import { Networking } from '../networking/networking.ts';
import { ServerPorts } from '../networking/server-ports.ts';
import { createServer } from './server.ts';

/** What agents show to a fixture. */
export const AGENT_TOKEN = 'agent secret';

/** A user with a project of its own. */
export interface Tenant {
  readonly token: string;
  readonly userId: string;
  readonly projectId: string;
}

/** What is sent. Text goes out as it stands, anything else as JSON. */
export interface Sent {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

/** The whole server as a controller runs it, with Identity, on a store of its own, for tests. */
export class ServerFixture {
  readonly app: FastifyInstance;
  readonly cloud: CloudFixture;
  /** Errors that the server logged: none of a test that only sends what is refused properly. */
  readonly logged: string[];
  readonly #feed: Feed;

  static async open(): Promise<ServerFixture> {
    const cloud = await CloudFixture.open(loadFeedObjects);
    const { store, identity } = cloud;
    const networking = new Networking(store, parseConfig({}).networking);
    const feed = new Feed(store);
    const logged: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => logged.push(line) });
    const serverNetworking = new ServerPorts(networking.settings);
    const app = await createServer({
      store,
      feed,
      identity,
      identityRoutes: identityRoutes(identity),
      networking,
      serverNetworking,
      agentToken: AGENT_TOKEN,
      log,
    });
    return new ServerFixture(app, cloud, feed, logged);
  }

  private constructor(app: FastifyInstance, cloud: CloudFixture, feed: Feed, logged: string[]) {
    this.app = app;
    this.cloud = cloud;
    this.#feed = feed;
    this.logged = logged;
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.app.close();
    await this.cloud.close();
  }

  async request(method: string, url: string, { token, body, headers = {} }: Sent = {}): Promise<Received> {
    const response = await this.app.inject({
      method: method as 'GET',
      url,
      headers: {
        host: 'cloud.example:9696',
        ...(token !== undefined && { 'x-auth-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      body: isJson && response.body !== '' ? JSON.parse(response.body) : undefined,
    };
  }

  /** The number of the last change of anything that the feed carries. */
  async lastChange(): Promise<number> {
    const row = await this.cloud.store.read((db) =>
      db
        .selectFrom('changes')
        .select(({ fn }) => fn.max('seq').as('seq'))
        .executeTakeFirst(),
    );
    return Number(row?.seq ?? 0);
  }
}
