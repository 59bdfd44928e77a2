import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import type { FeedLoader, Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { Identity } from './identity.ts';
import { identityRoutes } from './routes.ts';

/** As cheap as argon2 goes: tests are about who gets in, not about what a guess costs. */
export const CHEAP = { memory: 8, passes: 1, parallelism: 1 };
/** Seconds that tokens of a fixture live. */
export const TOKEN_LIFE = 3600;
export const ADMIN_PASSWORD = 'admin secret';

/** What came back of one request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

type Payload = Exclude<InjectOptions['payload'], undefined>;

/** A cloud with nothing but an administrator, in a store of its own, for tests. */
export class CloudFixture {
  readonly store: Store;
  readonly identity: Identity;
  readonly app: FastifyInstance;
  readonly #closeStore: () => Promise<void>;
  readonly #clock: { now: number };

  static async open(load?: FeedLoader): Promise<CloudFixture> {
    const { store, close } = await openTestStore(load);
    const clock = { now: Date.parse('2026-11-23T20:40:32Z') };
    const identity = await Identity.open(store, {
      tokenLife: TOKEN_LIFE,
      hashCost: CHEAP,
      now: () => new Date(clock.now),
    });
    await identity.bootstrap({ adminPassword: ADMIN_PASSWORD });
    const app = Fastify();
    await app.register(identityRoutes(identity), { prefix: '/identity' });
    return new CloudFixture(close, store, identity, app, clock);
  }

  private constructor(
    closeStore: () => Promise<void>,
    store: Store,
    identity: Identity,
    app: FastifyInstance,
    clock: { now: number },
  ) {
    this.#closeStore = closeStore;
    this.store = store;
    this.identity = identity;
    this.app = app;
    this.#clock = clock;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.#closeStore();
  }

  /** Lets time pass. */
  advance(seconds: number): void {
    this.#clock.now += seconds * 1000;
  }

  /** Another view of the same store, as after a restart. */
  reopen(): Promise<Identity> {
    return Identity.open(this.store, {
      tokenLife: TOKEN_LIFE,
      hashCost: CHEAP,
      now: () => new Date(this.#clock.now),
    });
  }

  async request(
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    {
      token,
      body,
      headers = {},
    }: { token?: string | undefined; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const response = await this.app.inject({
      method,
      url,
      headers: {
        host: 'cloud.example:9696',
        ...(token !== undefined && { 'x-auth-token': token }),
        ...headers,
      },
      ...(body !== undefined && { payload: body as Payload }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body === '' ? undefined : response.json(),
    };
  }

  /** Signs in with a password; `scope` as in the body. Answers the whole answer. */
  signIn(name: string, password: string, scope?: unknown, domain = 'Default'): Promise<Answer> {
    const user = { name, domain: { name: domain }, password };
    return this.request('POST', '/identity/v3/auth/tokens', {
      body: {
        auth: { identity: { methods: ['password'], password: { user } }, ...(scope !== undefined && { scope }) },
      },
    });
  }

  /** A token for a user in a project of domain Default. */
  async token(name: string, password: string, project: string): Promise<string> {
    const answer = await this.signIn(name, password, { project: { name: project, domain: { name: 'Default' } } });
    return tokenOf(answer);
  }

  adminToken(): Promise<string> {
    return this.token('admin', ADMIN_PASSWORD, 'admin');
  }

  /** Makes a user with a role in a project of its own; answers ids, and a token. */
  async member(name: string, role = 'member'): Promise<{ token: string; userId: string; projectId: string }> {
    const admin = await this.adminToken();
    const post = async (path: string, body: unknown) =>
      (await this.request('POST', `/identity/v3/${path}`, { token: admin, body })).body;
    const { project } = await post('projects', { project: { name, domain_id: 'default' } });
    const { user } = await post('users', { user: { name, password: 'pw', domain_id: 'default' } });
    const roles = (await this.request('GET', `/identity/v3/roles?name=${role}`, { token: admin })).body.roles;
    await this.request('PUT', `/identity/v3/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`, {
      token: admin,
    });
    return { token: await this.token(name, 'pw', name), userId: user.id, projectId: project.id };
  }
}

/** The token of a sign-in's answer. Throws when there is none. */
export function tokenOf({ status, headers, body }: Answer): string {
  const token = headers['x-subject-token'];
  if (typeof token !== 'string') throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
  return token;
}
