import { randomUUID } from 'node:crypto';
import { AGENT_TOKEN, ServerFixture, type Tenant } from '../server-fixture.ts';

/** Ids by what they are of: `networks`, `port_forwardings`, … */
export type Ids = Readonly<Record<string, readonly string[]>>;

/** Something of Bob's that nobody else may ever be told; in every text that he may choose. */
const SECRET = 'b0bs-s3cret';
/** Where all of Bob's addresses are. */
const SECRET_ADDRESSES = '10.66.77.';
const SECRET_MAC = 'fa:16:3e:66:77:';

const V2 = '/networking/v2.0';
const IMAGE_ANY = '/image/v2/images';

/**
 * A cloud in which Alice and Bob have one of everything. Alice's requests know the ids of Bob's objects, as if they had
 * leaked, but nothing else of them.
 */
export class HostileWorld {
  readonly server: ServerFixture;
  readonly tokens: Readonly<Record<'alice' | 'admin' | 'bob' | 'unscoped', string>>;
  readonly own: Ids;
  readonly foreign: Ids;
  readonly #secrets: readonly string[];

  static async open(): Promise<HostileWorld> {
    const server = await ServerFixture.open();
    const admin = await server.cloud.adminToken();
    const alice = await server.cloud.member('alice');
    const bob = await server.cloud.member(`bob-${SECRET}`);
    const unscoped = await server.cloud.signIn('alice', 'pw', 'unscoped');
    const world = new Builder(server, admin);
    const external = await world.external();
    const own = await world.tenant(alice, external, {
      text: 'alices',
      addresses: '192.168.2.',
      mac: 'fa:16:3e:00:00:',
    });
    const foreign = await world.tenant(bob, external, { text: SECRET, addresses: SECRET_ADDRESSES, mac: SECRET_MAC });
    // The administrator’s default group, so that it is not made beside a request that is refused.
    await world.send(admin, 'GET', `${V2}/security-groups`);
    const shared = { external: [external], roles: await world.roles(), agents: await world.agents() };
    return new HostileWorld(
      server,
      { alice: alice.token, admin, bob: bob.token, unscoped: String(unscoped.headers['x-subject-token']) },
      { ...own, ...shared },
      foreign,
      [SECRET, SECRET_ADDRESSES, SECRET_MAC, ...world.addresses(bob)],
    );
  }

  private constructor(
    server: ServerFixture,
    tokens: HostileWorld['tokens'],
    own: Ids,
    foreign: Ids,
    secrets: readonly string[],
  ) {
    this.server = server;
    this.tokens = tokens;
    this.own = own;
    this.foreign = foreign;
    this.#secrets = secrets;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** Which of Bob's secrets a text holds, or undefined. */
  secretIn(text: string): string | undefined {
    return this.#secrets.find((secret) => text.includes(secret));
  }

  /** Everything in the store, to see whether a request changed anything. */
  async everything(): Promise<string> {
    return this.server.cloud.store.read(async (db) => {
      const tables = await db.introspection.getTables();
      const found: string[] = [];
      for (const { name } of tables) {
        const rows = await db
          .selectFrom(name as 'networks')
          .selectAll()
          .execute();
        found.push(name, ...rows.map((row) => JSON.stringify(row)).sort());
      }
      return found.join('\n');
    });
  }
}

interface Texts {
  readonly text: string;
  /** The first three numbers of its addresses. */
  readonly addresses: string;
  readonly mac: string;
}

class Builder {
  readonly #server: ServerFixture;
  readonly #admin: string;
  readonly #floating = new Map<string, string[]>();

  constructor(server: ServerFixture, admin: string) {
    this.#server = server;
    this.#admin = admin;
  }

  /** A request that must succeed; answers the one thing in its body. */
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  async send(token: string, method: string, path: string, body?: unknown, headers = {}): Promise<any> {
    const answer = await this.#server.request(method, path, { token, body, headers });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body === undefined ? undefined : Object.values(answer.body)[0];
  }

  /** Addresses that a tenant was given on the external network. */
  addresses(tenant: Tenant): readonly string[] {
    return this.#floating.get(tenant.projectId) ?? [];
  }

  async roles(): Promise<string[]> {
    const roles = await this.send(this.#admin, 'GET', '/identity/v3/roles');
    return roles.map(({ id }: { id: string }) => id);
  }

  async agents(): Promise<string[]> {
    const report = {
      started_at: '2026-11-23T20:19:31Z',
      applied_seq: 0,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: true },
      statuses: [],
    };
    const authorization = `Bearer ${AGENT_TOKEN}`;
    await this.send('', 'POST', '/portward/v1/agents/host1/report', report, { authorization });
    const agents = await this.send(this.#admin, 'GET', `${V2}/agents`);
    return agents.map(({ id }: { id: string }) => id);
  }

  async external(): Promise<string> {
    const network = { 'router:external': true, 'provider:network_type': 'flat', 'provider:physical_network': 'public' };
    const { id } = await this.send(this.#admin, 'POST', `${V2}/networks`, { network: { name: 'public', ...network } });
    const subnet = { network_id: id, ip_version: 4, cidr: '172.24.0.0/16', enable_dhcp: false };
    await this.send(this.#admin, 'POST', `${V2}/subnets`, { subnet });
    return id;
  }

  /** One of everything for a tenant. */
  async tenant(tenant: Tenant, external: string, { text, addresses, mac }: Texts): Promise<Ids> {
    const { token } = tenant;
    const texts = { name: text, description: text };
    const make = (path: string, key: string, values: object) =>
      this.send(token, 'POST', `${V2}/${path}`, { [key]: values });
    const network = await make('networks', 'network', { ...texts, dns_domain: `${text}.example.` });
    const subnet = await make('subnets', 'subnet', {
      ...texts,
      network_id: network.id,
      ip_version: 4,
      cidr: `${addresses}0/24`,
    });
    const group = await make('security-groups', 'security_group', texts);
    const rule = await make('security-group-rules', 'security_group_rule', {
      security_group_id: group.id,
      direction: 'ingress',
      remote_ip_prefix: `${addresses}0/25`,
      description: text,
    });
    const addressGroup = await make('address-groups', 'address_group', { ...texts, addresses: [`${addresses}0/26`] });
    const scope = await make('address-scopes', 'address_scope', { name: text, ip_version: 4 });
    const pool = await make('subnetpools', 'subnetpool', { ...texts, prefixes: [`${addresses}0/24`] });
    const router = await make('routers', 'router', { ...texts, external_gateway_info: { network_id: external } });
    const gateways = router.external_gateway_info.external_fixed_ips as { ip_address: string }[];
    await this.send(token, 'PUT', `${V2}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
    const port = (last: number) =>
      make('ports', 'port', {
        ...texts,
        network_id: network.id,
        mac_address: `${mac}${last}`,
        fixed_ips: [{ ip_address: `${addresses}${last}` }],
        security_groups: [group.id],
        device_id: text,
        dns_name: text,
      });
    const ports = [await port(40), await port(41)];
    const floating = (values: object = {}) =>
      make('floatingips', 'floatingip', { floating_network_id: external, description: text, ...values });
    const sharing = await floating();
    const associated = await floating({ port_id: ports[1].id });
    const forwarding = await make(`floatingips/${sharing.id}/port_forwardings`, 'port_forwarding', {
      internal_port_id: ports[0].id,
      protocol: 'tcp',
      external_port: 2222,
      internal_port: 22,
      description: text,
    });
    for (const path of [`networks/${network.id}`, `ports/${ports[0].id}`, `floatingips/${sharing.id}`])
      await this.send(token, 'PUT', `${V2}/${path}/tags`, { tags: [text] });
    const images = await this.send(token, 'GET', IMAGE_ANY);
    const flavors = await this.send(token, 'GET', '/compute/v2.1/flavors');
    const server = await this.send(token, 'POST', '/compute/v2.1/servers', {
      server: {
        name: text,
        flavorRef: flavors[0].id,
        imageRef: images[0].id,
        networks: [{ uuid: network.id }],
        metadata: { [text]: text },
      },
    });
    await this.send(token, 'POST', '/compute/v2.1/os-keypairs', { keypair: { name: text } });
    const credentials = `/identity/v3/users/${tenant.userId}/application_credentials`;
    const credential = await this.send(token, 'POST', credentials, { application_credential: texts });
    this.#floating.set(tenant.projectId, [
      sharing.floating_ip_address,
      associated.floating_ip_address,
      ...gateways.map((gateway) => gateway.ip_address),
    ]);
    return {
      networks: [network.id],
      subnets: [subnet.id],
      ports: ports.map(({ id }) => id),
      routers: [router.id],
      floatingips: [sharing.id, associated.id],
      port_forwardings: [forwarding.id],
      'security-groups': [group.id],
      'security-group-rules': [rule.id],
      'address-groups': [addressGroup.id],
      'address-scopes': [scope.id],
      subnetpools: [pool.id],
      servers: [server.id],
      application_credentials: [credential.id],
      projects: [tenant.projectId],
      users: [tenant.userId],
      unknown: [randomUUID()],
    };
  }
}
