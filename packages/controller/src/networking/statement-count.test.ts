import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { statementsOf } from '../store/statement-count.ts';
import { enterReport } from './agent-report.ts';

type Body = Record<string, unknown>;

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', { name: 'of rules' });
  // What hangs on objects must not cost a query each either.
  for (const path of [`/ports/${cloud.vm1.id}`, `/networks/${cloud.network.id}`, `/routers/${cloud.router.id}`]) {
    await api.expect('alice', 'PUT', `${path}/tags`, { tags: ['a', 'b'] });
  }
});
after(() => api.stop());

/** Statements that an operation on one object takes at most, whatever else is in the store. */
interface Bounds {
  show: number;
  create: number;
  update: number;
  delete: number;
}

/** For each kind of resource: path, what the nth POST says, what a PUT says (if there is one), bounds. */
const SAMPLES: Record<string, [path: () => string, create: (n: number) => Body, update: Body | undefined, Bounds]> = {
  network: [
    () => '/networks',
    (n) => ({ name: `net-${n}` }),
    { name: 'x' },
    { show: 4, create: 12, update: 13, delete: 13 },
  ],
  subnet: [
    () => '/subnets',
    (n) => ({ network_id: cloud.network.id, ip_version: 4, cidr: `10.${n + 20}.0.0/24` }),
    { name: 'x' },
    { show: 2, create: 13, update: 10, delete: 12 },
  ],
  port: [
    () => '/ports',
    (n) => ({
      network_id: cloud.network.id,
      name: `port-${n}`,
      fixed_ips: [{ subnet_id: cloud.subnet.id }],
      tags: ['a'],
    }),
    { name: 'x' },
    { show: 4, create: 24, update: 17, delete: 12 },
  ],
  router: [
    () => '/routers',
    (n) => ({ name: `router-${n}`, external_gateway_info: { network_id: cloud.external.id } }),
    { name: 'x' },
    { show: 3, create: 28, update: 14, delete: 16 },
  ],
  floatingip: [
    () => '/floatingips',
    () => ({ floating_network_id: cloud.external.id }),
    { description: 'x' },
    { show: 3, create: 23, update: 11, delete: 14 },
  ],
  port_forwarding: [
    () => `/floatingips/${cloud.floatingIp.id}/port_forwardings`,
    (n) => ({ internal_port_id: cloud.vm1.id, protocol: 'tcp', external_port: 1000 + n, internal_port: 1000 + n }),
    { description: 'x' },
    { show: 2, create: 16, update: 17, delete: 11 },
  ],
  security_group: [
    () => '/security-groups',
    (n) => ({ name: `group-${n}` }),
    { name: 'x' },
    { show: 4, create: 15, update: 13, delete: 14 },
  ],
  security_group_rule: [
    () => '/security-group-rules',
    (n) => ({
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: n + 1,
      port_range_max: n + 1,
    }),
    undefined,
    { show: 1, create: 11, update: 0, delete: 6 },
  ],
  address_group: [
    () => '/address-groups',
    (n) => ({ name: `addresses-${n}`, addresses: [`10.0.0.${n + 1}/32`] }),
    { name: 'x' },
    { show: 2, create: 8, update: 9, delete: 8 },
  ],
  address_scope: [
    () => '/address-scopes',
    (n) => ({ name: `scope-${n}`, ip_version: 4 }),
    { name: 'x' },
    { show: 2, create: 5, update: 7, delete: 7 },
  ],
  subnetpool: [
    () => '/subnetpools',
    (n) => ({ name: `pool-${n}`, prefixes: [`10.${n}.0.0/16`], default_prefixlen: 24 }),
    { name: 'x' },
    { show: 3, create: 7, update: 9, delete: 9 },
  ],
  rbac_policy: [
    () => '/rbac-policies',
    (n) => ({
      object_type: 'network',
      object_id: cloud.network.id,
      action: 'access_as_shared',
      target_tenant: `p-${n}`,
    }),
    { target_tenant: 'p-x' },
    { show: 1, create: 11, update: 14, delete: 11 },
  ],
};

test('every resource that clients create is counted', () => {
  const known = NETWORKING_RESOURCES.map(({ name }) => name).filter((name) => name !== 'agent');
  assert.deepEqual(Object.keys(SAMPLES).sort(), known.sort());
});

const FEW = 3;
const MORE = 25;

for (const [name, [path, create, update, bounds]] of Object.entries(SAMPLES)) {
  test(`a list of ${name} objects takes as many statements as a list of a few`, async () => {
    const counted = async (method: string, at: string, body?: Body) => {
      const seen = await statementsOf(() => api.expect('alice', method, at, body));
      return { count: seen.length, text: seen.map((statement) => statement.sql).join('\n') };
    };
    const list = async (query: string) => (await counted('GET', `${path()}?${query}`)).count;
    const queries = ['', 'limit=1000', 'fields=id'];
    const post = async (n: number) => (await api.create('alice', path(), name, create(n))).id as string;
    for (let n = 0; n < FEW; n++) await post(n);
    const few: number[] = [];
    for (const query of queries) few.push(await list(query));
    const ids: string[] = [];
    for (let n = FEW; n < MORE; n++) ids.push(await post(n));
    const many: number[] = [];
    for (const query of queries) many.push(await list(query));
    assert.deepEqual(many, few);
    assert.ok((few[0] as number) > 0, 'statements are seen at all');

    const within = (operation: keyof Bounds, { count, text }: { count: number; text: string }) =>
      assert.ok(count <= bounds[operation], `${operation}: ${count} statements, at most ${bounds[operation]}\n${text}`);
    within('show', await counted('GET', `${path()}/${ids[0]}`));
    within('create', await counted('POST', path(), { [name]: create(MORE) }));
    if (update !== undefined) within('update', await counted('PUT', `${path()}/${ids[0]}`, { [name]: update }));
    within('delete', await counted('DELETE', `${path()}/${ids[0]}`));
  });
}

test('lists of ports, floating IPs and networks do not ask about what hangs on each', async () => {
  const external = { floating_network_id: cloud.external.id };
  const count = async () => {
    const counts: number[] = [];
    for (const path of ['/ports', '/floatingips', '/networks', '/routers']) {
      counts.push((await statementsOf(() => api.expect('alice', 'GET', path))).length);
    }
    return counts;
  };
  let forwardings = 0;
  const addOne = async () => {
    const port = await api.create('alice', '/ports', 'port', {
      network_id: cloud.network.id,
      fixed_ips: [{ subnet_id: cloud.subnet.id }],
    });
    await api.create('alice', '/floatingips', 'floatingip', { ...external, port_id: port.id });
    const shared = await api.create('alice', '/floatingips', 'floatingip', external);
    await api.create('alice', `/floatingips/${shared.id}/port_forwardings`, 'port_forwarding', {
      internal_port_id: cloud.vm2.id,
      protocol: 'udp',
      external_port: 9,
      internal_port: 1000 + forwardings++,
    });
  };
  await addOne();
  const few = await count();
  for (let n = 0; n < 5; n++) await addOne();
  assert.deepEqual(await count(), few);
});

test('a list of agents takes as many statements as a list of one', async () => {
  const report = (host: string) =>
    enterReport(api.store, host, {
      started_at: '2026-11-25T00:00:00Z',
      applied_seq: 0,
      configurations: { nat_backend: 'nftables', bridge_mappings: {}, machines: false },
      statuses: [],
    });
  const list = async () => (await statementsOf(() => api.expect('admin', 'GET', '/agents'))).length;
  await report('h0');
  const one = await list();
  for (let n = 1; n < 8; n++) await report(`h${n}`);
  assert.equal(await list(), one);
});

test('a bulk create reads its objects and tells the feed of them together', async () => {
  const bulk = (count: number, first: number) =>
    statementsOf(() =>
      api.expect('alice', 'POST', `/floatingips/${cloud.floatingIp.id}/port_forwardings`, {
        port_forwardings: Array.from({ length: count }, (_, n) => ({
          internal_port_id: cloud.vm1.id,
          protocol: 'sctp',
          external_port: first + n,
          internal_port: first + n,
        })),
      }),
    );
  const about = (seen: { sql: string }[], words: RegExp) => seen.filter(({ sql }) => words.test(sql)).length;
  const few = await bulk(2, 100);
  const many = await bulk(20, 200);
  for (const words of [/select \* from "port_forwardings" where "id"/, /insert into "changes"/]) {
    assert.ok(about(few, words) > 0, String(words));
    assert.equal(about(many, words), about(few, words), String(words));
  }
});
