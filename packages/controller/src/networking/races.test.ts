import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Answer, aliceCloud, TestApi } from '../http/test-api.ts';
import { RandomWalk } from './random-walk.ts';
import { breaches } from './sound-store.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

type Send = () => Promise<Answer>;

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const post = (path: string, name: string, values: object, who = 'alice') =>
  api.send(who, 'POST', path, { [name]: values });
const put = (path: string, body: object) => api.send('alice', 'PUT', path, body as Record<string, unknown>);
const remove = (path: string) => api.send('alice', 'DELETE', path);
const newFloatingIp = () =>
  api.create('alice', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
const newRouter = () =>
  api.create('alice', '/routers', 'router', { external_gateway_info: { network_id: cloud.external.id } });
async function newNetwork(cidr = '10.70.0.0/24') {
  const network = await api.create('alice', '/networks', 'network', {});
  const subnet = await api.create('alice', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr });
  return { network: network.id as string, subnet: subnet.id as string };
}
/** A port behind a router of its own. */
async function behindRouter() {
  const { network, subnet } = await newNetwork();
  const router = await newRouter();
  await api.expect('alice', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet });
  const port = await api.create('alice', '/ports', 'port', { network_id: network });
  return { network, subnet, router: router.id as string, port: port.id as string };
}
const forward = (floatingIp: string, values: object) =>
  post(`/floatingips/${floatingIp}/port_forwardings`, 'port_forwarding', { protocol: 'tcp', ...values });

let used = 0;
/** A number that no other part of this file uses. */
const unused = () => ++used;

/** Requests that exclude each other, and how many of so many may succeed. */
const RACES: [string, (count: number) => Promise<Send[]>, (count: number) => number][] = [
  [
    'ports with the same address',
    async (count) => {
      const { network } = await newNetwork();
      return many(
        count,
        () => () => post('/ports', 'port', { network_id: network, fixed_ips: [{ ip_address: '10.70.0.9' }] }),
      );
    },
    () => 1,
  ],
  [
    'ports with the same MAC address',
    async (count) => {
      const { network } = await newNetwork();
      return many(count, () => () => post('/ports', 'port', { network_id: network, mac_address: 'fa:16:3e:00:00:01' }));
    },
    () => 1,
  ],
  [
    'ports for the last three addresses of a subnet',
    async (count) => {
      const { network } = await newNetwork('10.70.0.0/29');
      for (const last of [2, 3]) {
        await api.create('alice', '/ports', 'port', {
          network_id: network,
          fixed_ips: [{ ip_address: `10.70.0.${last}` }],
        });
      }
      return many(count, () => () => post('/ports', 'port', { network_id: network }));
    },
    (count) => Math.min(3, count),
  ],
  [
    'floating IPs with the same address',
    async (count) => {
      const network = await api.create('admin', '/networks', 'network', { 'router:external': true });
      await api.create('admin', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.71.0.0/24' });
      const values = { floating_network_id: network.id, floating_ip_address: '10.71.0.9' };
      return many(count, () => () => post('/floatingips', 'floatingip', values, 'admin'));
    },
    () => 1,
  ],
  [
    'floating IPs for the same port',
    async (count) => {
      const { port } = await behindRouter();
      const floatingIps = await Promise.all(many(count, newFloatingIp));
      return floatingIps.map(
        ({ id }) =>
          () =>
            put(`/floatingips/${id}`, { floatingip: { port_id: port } }),
      );
    },
    () => 1,
  ],
  [
    'a floating IP for a port, and forwardings of it',
    async (count) => {
      const { port } = await behindRouter();
      const { id } = await newFloatingIp();
      return many(
        count,
        (i) => () =>
          i % 2 === 0
            ? put(`/floatingips/${id}`, { floatingip: { port_id: port } })
            : forward(id, { internal_port_id: port, internal_port: 7, external_port: 7 }),
      );
    },
    // The association may be repeated; the forwarding may not.
    (count) => (count === 1 ? 1 : -1),
  ],
  [
    'forwardings whose external ranges share a port',
    async (count) => {
      const { port } = await behindRouter();
      const { id } = await newFloatingIp();
      return many(
        count,
        (i) => () =>
          forward(id, {
            internal_port_id: port,
            internal_port: i + 1,
            external_port_range: `${100 - i}:${100 + 3 * i}`,
          }),
      );
    },
    () => 1,
  ],
  [
    'forwardings whose internal ranges share a port, on floating IPs of their own',
    async (count) => {
      const { port } = await behindRouter();
      const floatingIps = await Promise.all(many(count, newFloatingIp));
      return floatingIps.map(
        ({ id }, i) =>
          () =>
            forward(id, {
              internal_port_id: port,
              internal_port_range: `${100 - i}:${100 + i}`,
              external_port_range: `${100 - i}:${100 + i}`,
            }),
      );
    },
    () => 1,
  ],
  [
    'routers for the gateway address of a subnet',
    async (count) => {
      const { subnet } = await newNetwork();
      const routers = await Promise.all(many(count, () => api.create('alice', '/routers', 'router', {})));
      return routers.map(
        ({ id }) =>
          () =>
            put(`/routers/${id}/add_router_interface`, { subnet_id: subnet }),
      );
    },
    () => 1,
  ],
  [
    'interfaces of one router on overlapping subnets',
    async (count) => {
      const { id } = await api.create('alice', '/routers', 'router', {});
      const networks = await Promise.all(many(count, () => newNetwork()));
      return networks.map(
        ({ subnet }) =>
          () =>
            put(`/routers/${id}/add_router_interface`, { subnet_id: subnet }),
      );
    },
    () => 1,
  ],
  [
    'overlapping subnets of one network',
    async (count) => {
      const network = await api.create('alice', '/networks', 'network', {});
      return many(
        count,
        (i) => () =>
          post('/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: `10.80.0.0/${16 + (i % 9)}` }),
      );
    },
    () => 1,
  ],
  [
    'flat networks of one physical network',
    async (count) => {
      const physical = `physical-${unused()}`;
      return many(count, () => () => post('/networks', 'network', { 'provider:physical_network': physical }, 'admin'));
    },
    () => 1,
  ],
  [
    'rules that say the same',
    async (count) => {
      const group = await api.create('alice', '/security-groups', 'security_group', {});
      return many(
        count,
        (i) => () =>
          post('/security-group-rules', 'security_group_rule', {
            security_group_id: group.id,
            direction: 'ingress',
            protocol: ['tcp', 'TCP', '6', 6][i % 4],
            remote_ip_prefix: [null, '0.0.0.0/0'][i % 2],
          }),
      );
    },
    () => 1,
  ],
  [
    'deletions of one floating IP',
    async (count) => {
      const { id } = await newFloatingIp();
      return many(count, () => () => remove(`/floatingips/${id}`));
    },
    () => 1,
  ],
  [
    'extra routes of one router, each its own: none is lost',
    async (count) => {
      const { router } = await behindRouter();
      return many(
        count,
        (i) => () =>
          put(`/routers/${router}/add_extraroutes`, {
            router: { routes: [{ destination: `10.${90 + i}.0.0/16`, nexthop: '10.70.0.200' }] },
          }),
      );
    },
    (count) => count,
  ],
];

for (const [what, prepare, winners] of RACES) {
  test(`at once: ${what}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), async (count) => {
        const requests = await prepare(count);
        const answers = await Promise.all(requests.map((send) => send()));
        const statuses = answers.map((answer) => answer.status);
        assert.ok(
          statuses.every((status) => status < 500),
          String(statuses),
        );
        const won = statuses.filter((status) => status < 300).length;
        const expected = winners(count);
        if (expected >= 0) assert.equal(won, expected, JSON.stringify(answers.map((answer) => answer.body)));
        else assert.ok(won >= 1);
        assert.deepEqual(await api.store.read(breaches), []);
      }),
      { numRuns: 4, examples: [[8]], endOnFailure: true },
    );
  });
}

test('at once: extra routes, tags and the default group: nothing is lost, nothing is there twice', async () => {
  const { router } = await behindRouter();
  const routes = many(12, (i) => ({ destination: `10.${100 + i}.0.0/16`, nexthop: '10.70.0.200' }));
  await Promise.all([
    ...routes.map((route) => put(`/routers/${router}/add_extraroutes`, { router: { routes: [route] } })),
    ...many(12, (i) => put(`/routers/${router}/tags/t${i}`, {})),
  ]);
  const shown = await api.expect('alice', 'GET', `/routers/${router}`);
  assert.deepEqual(
    shown.routes.map((item: { destination: string }) => item.destination).sort(),
    routes.map((item) => item.destination).sort(),
  );
  assert.equal(shown.tags.length, 12);
  await Promise.all(
    routes.slice(0, 6).map((route) => put(`/routers/${router}/remove_extraroutes`, { router: { routes: [route] } })),
  );
  assert.equal((await api.expect('alice', 'GET', `/routers/${router}`)).routes.length, 6);
  for (const project of many(4, () => `p-${unused()}`)) {
    const answers = await Promise.all(
      many(6, (i) =>
        i % 2 === 0
          ? post('/networks', 'network', { project_id: project }, 'admin')
          : post('/security-groups', 'security_group', { project_id: project }, 'admin'),
      ),
    );
    assert.ok(answers.every((answer) => answer.status === 201));
    const groups = await api.expect('admin', 'GET', `/security-groups?project_id=${project}&name=default`);
    assert.equal(groups.length, 1);
  }
});

/** What one request needs and the other takes away, in either order. */
const OPPOSITES: [string, () => Promise<[Send, Send]>][] = [
  [
    'a forwarding is moved to a port that is deleted',
    async () => {
      const { network, port } = await behindRouter();
      const other = await api.create('alice', '/ports', 'port', { network_id: network });
      const { id } = await newFloatingIp();
      const made = await forward(id, { internal_port_id: port, internal_port: 1, external_port: 1 });
      const path = `/floatingips/${id}/port_forwardings/${made.body.port_forwarding.id}`;
      return [() => put(path, { port_forwarding: { internal_port_id: other.id } }), () => remove(`/ports/${other.id}`)];
    },
  ],
  [
    'a forwarding is moved to a port behind another router, and the floating IP deleted',
    async () => {
      const [here, there] = [await behindRouter(), await behindRouter()];
      const { id } = await newFloatingIp();
      const made = await forward(id, { internal_port_id: here.port, internal_port: 1, external_port: 1 });
      const path = `/floatingips/${id}/port_forwardings/${made.body.port_forwarding.id}`;
      return [
        () => put(path, { port_forwarding: { internal_port_id: there.port } }),
        () => remove(`/floatingips/${id}`),
      ];
    },
  ],
  [
    'a forwarding is made through an interface that is removed',
    async () => {
      const { port, router, subnet } = await behindRouter();
      const { id } = await newFloatingIp();
      return [
        () => forward(id, { internal_port_id: port, internal_port: 1, external_port: 1 }),
        () => put(`/routers/${router}/remove_router_interface`, { subnet_id: subnet }),
      ];
    },
  ],
  [
    'a floating IP is associated through a gateway that is cleared',
    async () => {
      const { port, router } = await behindRouter();
      const { id } = await newFloatingIp();
      return [
        () => put(`/floatingips/${id}`, { floatingip: { port_id: port } }),
        () => put(`/routers/${router}`, { router: { external_gateway_info: null } }),
      ];
    },
  ],
  [
    'forwardings of one floating IP through two routers',
    async () => {
      const [here, there] = [await behindRouter(), await behindRouter()];
      const { id } = await newFloatingIp();
      return [
        () => forward(id, { internal_port_id: here.port, internal_port: 1, external_port: 1 }),
        () => forward(id, { internal_port_id: there.port, internal_port: 1, external_port: 2 }),
      ];
    },
  ],
  [
    'an interface is added to a router that is deleted',
    async () => {
      const { subnet } = await newNetwork();
      const { id } = await newRouter();
      return [() => put(`/routers/${id}/add_router_interface`, { subnet_id: subnet }), () => remove(`/routers/${id}`)];
    },
  ],
  [
    'a port is made on a network that is deleted',
    async () => {
      const { network } = await newNetwork();
      return [() => post('/ports', 'port', { network_id: network }), () => remove(`/networks/${network}`)];
    },
  ],
  [
    'a port takes an address of a subnet that is deleted',
    async () => {
      const { network, subnet } = await newNetwork();
      return [() => post('/ports', 'port', { network_id: network }), () => remove(`/subnets/${subnet}`)];
    },
  ],
  [
    'a port takes a group that is deleted',
    async () => {
      const { network } = await newNetwork();
      const group = await api.create('alice', '/security-groups', 'security_group', {});
      return [
        () => post('/ports', 'port', { network_id: network, security_groups: [group.id] }),
        () => remove(`/security-groups/${group.id}`),
      ];
    },
  ],
  [
    'a rule names a group that is deleted',
    async () => {
      const [one, two] = [
        await api.create('alice', '/security-groups', 'security_group', {}),
        await api.create('alice', '/security-groups', 'security_group', {}),
      ];
      return [
        () =>
          post('/security-group-rules', 'security_group_rule', {
            security_group_id: one.id,
            direction: 'ingress',
            remote_group_id: two.id,
          }),
        () => remove(`/security-groups/${two.id}`),
      ];
    },
  ],
  [
    'a port loses the address that a floating IP is associated with',
    async () => {
      const { port } = await behindRouter();
      const { id } = await newFloatingIp();
      return [
        () => put(`/floatingips/${id}`, { floatingip: { port_id: port } }),
        () => put(`/ports/${port}`, { port: { fixed_ips: [] } }),
      ];
    },
  ],
];

for (const [what, prepare] of OPPOSITES) {
  test(`at once: ${what}: whichever comes first, the store stays sound`, async () => {
    for (const reverse of [false, true]) {
      const requests = await prepare();
      if (reverse) requests.reverse();
      const answers = await Promise.all(requests.map((send) => send()));
      assert.ok(
        answers.every((answer) => answer.status < 500),
        JSON.stringify(answers.map((answer) => answer.body)),
      );
      assert.deepEqual(await api.store.read(breaches), [], `reverse: ${reverse}`);
    }
  });
}

test('at once: anything: the store stays sound', async () => {
  const walk = new RandomWalk(api, cloud);
  const step = fc.record({ request: fc.nat(RandomWalk.requests - 1), a: fc.nat(999), b: fc.nat(999) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      const statuses = await Promise.all(steps.map((each) => walk.take(each)));
      assert.ok(
        statuses.every((status) => status < 500),
        String(statuses),
      );
      assert.deepEqual(await api.store.read(breaches), []);
    }),
    { numRuns: 20, endOnFailure: true },
  );
});
