import { atOnce } from './at-once.ts';
import { Connection } from './connection.ts';
import type { BenchController } from './controller.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Body = any;

/** Connections of a cloud: the most requests that it can be sent at once. */
export const WIDTH = 8;

/** A tenant's cloud on one controller: an external network, and a network of its own behind a router. */
export class BenchCloud {
  readonly controller: BenchController;
  /** Of the tenant. */
  readonly #connections: readonly Connection[];
  readonly externalNetwork: string;
  readonly network: string;

  static async build(controller: BenchController): Promise<BenchCloud> {
    const { port, passwords } = await controller.call('address');
    const connections = async (user: 'admin' | 'demo', count: number): Promise<Connection[]> => {
      const token = await signIn(port, user, passwords[user]?.password ?? '');
      return Promise.all(Array.from({ length: count }, () => Connection.open(port, token)));
    };
    const [admin] = await connections('admin', 1);
    const tenants = await connections('demo', WIDTH);
    const [tenant] = tenants as [Connection];
    const make = (by: Connection, collection: string, name: string, values: Body): Promise<Body> =>
      expect(by, 'POST', `/networking/v2.0/${collection}`, { [name]: values }).then((body) => body[name]);
    const external = await make(admin as Connection, 'networks', 'network', { 'router:external': true });
    await make(admin as Connection, 'subnets', 'subnet', {
      network_id: external.id,
      ip_version: 4,
      cidr: '10.100.0.0/16',
      enable_dhcp: false,
    });
    const network = await make(tenant, 'networks', 'network', {});
    const subnet = await make(tenant, 'subnets', 'subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.200.0.0/16',
    });
    const router = await make(tenant, 'routers', 'router', { external_gateway_info: { network_id: external.id } });
    await expect(tenant, 'PUT', `/networking/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
    admin?.close();
    return new BenchCloud(controller, tenants, external.id, network.id);
  }

  private constructor(
    controller: BenchController,
    connections: Connection[],
    externalNetwork: string,
    network: string,
  ) {
    this.controller = controller;
    this.#connections = connections;
    this.externalNetwork = externalNetwork;
    this.network = network;
  }

  lane(number: number): Connection {
    return this.#connections[number] as Connection;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Makes `count` of a resource; answers their ids. */
  async create(path: string, name: string, count: number, values: (index: number) => Body): Promise<string[]> {
    const ids: string[] = [];
    await atOnce(WIDTH, count, async (index, lane) => {
      const body = await expect(this.lane(lane), 'POST', path, { [name]: values(index) });
      ids[index] = body[name].id;
    });
    return ids;
  }

  async floatingIps(count: number): Promise<string[]> {
    return this.create('/networking/v2.0/floatingips', 'floatingip', count, () => ({
      floating_network_id: this.externalNetwork,
    }));
  }

  async ports(count: number): Promise<string[]> {
    return this.create('/networking/v2.0/ports', 'port', count, () => ({ network_id: this.network }));
  }
}

async function signIn(port: number, name: string, password: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name, domain: { id: 'default' }, password } } },
        scope: { project: { name, domain: { id: 'default' } } },
      },
    }),
  });
  return response.headers.get('x-subject-token') ?? '';
}

/** Sends a request that must succeed; answers its body. */
async function expect(connection: Connection, method: string, path: string, body?: Body): Promise<Body> {
  const answer = await connection.send(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return answer.body === '' ? undefined : JSON.parse(answer.body);
}
