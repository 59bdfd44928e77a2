import type { Config } from '@portward/model/config.ts';
import { parseConfig } from '@portward/model/config.ts';
import { LIMITED_RESOURCES, UNLIMITED } from '@portward/model/quota.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Caller } from '../caller.ts';
import { loadFeedObjects } from '../feed/feed.ts';
import { Networking } from '../networking/networking.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, type TestStore } from '../store/test-store.ts';
import { bareServer } from './bare-server.ts';
import { networkingRoutes } from './networking-routes.ts';

type Body = Record<string, unknown>;

/** An answer of the API under test. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  body: any;
  headers: Record<string, string | string[] | number | undefined>;
}

/** Callers of the tests, by token. */
const CALLERS: Record<string, Caller> = {
  admin: { userId: 'u-admin', projectId: 'p-admin', roles: ['admin', 'member', 'reader'], isAdmin: true },
  alice: { userId: 'u-alice', projectId: 'p-alice', roles: ['member', 'reader'], isAdmin: false },
  bob: { userId: 'u-bob', projectId: 'p-bob', roles: ['member', 'reader'], isAdmin: false },
  unscoped: { userId: 'u-bob', projectId: '', roles: [], isAdmin: false },
  reader: { userId: 'u-reader', projectId: 'p-alice', roles: ['reader'], isAdmin: false },
};

/** Tests are about limits only where they say so. */
const NO_LIMITS = Object.fromEntries(LIMITED_RESOURCES.map(({ name }) => [name, UNLIMITED]));

/**
 * The Networking API on a store of its own, spoken to over HTTP; tokens are the names of the callers. Quotas are
 * unlimited unless the settings say otherwise.
 */
export class TestApi {
  readonly store: Store;
  readonly #opened: TestStore;
  readonly #app: FastifyInstance;
  readonly #closeStore: () => Promise<void>;

  static async start(settings: Partial<Config['networking']> = {}): Promise<TestApi> {
    const opened = await openTestStore(loadFeedObjects);
    return TestApi.#over(opened, opened.store, settings, opened.close);
  }

  static async #over(
    opened: TestStore,
    store: Store,
    settings: Partial<Config['networking']>,
    close: () => Promise<void>,
  ): Promise<TestApi> {
    const networking = new Networking(store, { ...parseConfig({}).networking, quotas: NO_LIMITS, ...settings });
    const app = bareServer();
    await app.register(networkingRoutes(networking, { authenticate: (token) => CALLERS[token] }), {
      prefix: '/networking',
    });
    return new TestApi(opened, store, app, close);
  }

  private constructor(opened: TestStore, store: Store, app: FastifyInstance, closeStore: () => Promise<void>) {
    this.#opened = opened;
    this.store = store;
    this.#app = app;
    this.#closeStore = closeStore;
  }

  /** Another controller on the same store (PostgreSQL); stop it before this one. */
  async again(): Promise<TestApi> {
    const store = await this.#opened.again();
    return TestApi.#over(this.#opened, store, {}, () => store.close());
  }

  async stop(): Promise<void> {
    await this.#app.close();
    await this.#closeStore();
  }

  async send(
    who: string,
    method: string,
    path: string,
    body?: Body,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.request({
      method: method as 'GET',
      url: `/networking/v2.0${path}`,
      headers: { 'x-auth-token': who, ...headers },
      ...(body !== undefined && { payload: body }),
    });
  }

  /** Sends a request as it stands. */
  async request(options: InjectOptions): Promise<Answer> {
    const response = await this.#app.inject(options);
    return {
      status: response.statusCode,
      body: response.body === '' ? undefined : JSON.parse(response.body),
      headers: response.headers,
    };
  }

  /** Sends a request that must succeed; answers the one object in the body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  async expect(who: string, method: string, path: string, body?: Body): Promise<any> {
    const answer = await this.send(who, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body === undefined || answer.body === null
      ? undefined
      : (Object.values(answer.body)[0] ?? answer.body);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  create(who: string, path: string, name: string, values: Body): Promise<any> {
    return this.expect(who, 'POST', path, { [name]: values });
  }
}

/** The cloud of most tests: an external network, and a network of Alice's behind a router with two VM ports. */
export async function aliceCloud(api: TestApi) {
  const external = await api.create('admin', '/networks', 'network', {
    name: 'ext-net',
    'router:external': true,
    'provider:physical_network': 'public',
    'provider:network_type': 'flat',
  });
  const externalSubnet = await api.create('admin', '/subnets', 'subnet', {
    network_id: external.id,
    ip_version: 4,
    cidr: '10.11.7.0/24',
    enable_dhcp: false,
  });
  const network = await api.create('alice', '/networks', 'network', { name: 'private' });
  const subnet = await api.create('alice', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '192.168.2.0/24',
  });
  const router = await api.create('alice', '/routers', 'router', {
    name: 'Router',
    external_gateway_info: { network_id: external.id },
  });
  await api.send('alice', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = (address: string) =>
    api.create('alice', '/ports', 'port', { network_id: network.id, fixed_ips: [{ ip_address: address }] });
  const vm1 = await port('192.168.2.79');
  const vm2 = await port('192.168.2.80');
  const floatingIp = await api.create('alice', '/floatingips', 'floatingip', { floating_network_id: external.id });
  return { external, externalSubnet, network, subnet, router, vm1, vm2, floatingIp };
}
