import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '@portward/model/config.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import type { Transaction } from '../store/store.ts';
import { loadAddresses } from './address-allocation.ts';
import { requireRoom } from './quota.ts';
import { asError, withQuota } from './quota-fixture.ts';
import { ServerPorts } from './server-ports.ts';

const { quotas: defaults } = parseConfig({}).networking;
let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start({ quotas: defaults });
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const overQuota = (...resources: string[]) => [
  409,
  'OverQuota',
  `Quota exceeded for resources: [${resources.map((name) => `'${name}'`).join(', ')}].`,
];

/** For each quota: a request that Alice makes when nothing more is allowed. */
const CREATES: [string, string, () => object][] = [
  ['network', '/networks', () => ({ network: {} })],
  ['subnet', '/subnets', () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: '10.9.0.0/24' } })],
  ['port', '/ports', () => ({ port: { network_id: cloud.network.id } })],
  ['router', '/routers', () => ({ router: {} })],
  ['floatingip', '/floatingips', () => ({ floatingip: { floating_network_id: cloud.external.id } })],
  ['security_group', '/security-groups', () => ({ security_group: { name: 'web' } })],
  ['subnetpool', '/subnetpools', () => ({ subnetpool: { name: 'pool', prefixes: ['10.128.0.0/16'] } })],
  ['address_group', '/address-groups', () => ({ address_group: { addresses: ['10.1.0.0/16'] } })],
  [
    'rbac_policy',
    '/rbac-policies',
    () => ({
      rbac_policy: {
        object_type: 'network',
        object_id: cloud.network.id,
        action: 'access_as_shared',
        target_tenant: 'p-bob',
      },
    }),
  ],
  [
    'port_forwarding',
    '/floatingips/ID/port_forwardings',
    () => ({
      port_forwarding: { internal_port_id: cloud.vm1.id, internal_port: 22, external_port: 2222, protocol: 'tcp' },
    }),
  ],
];

for (const [name, path, body] of CREATES) {
  test(`nothing more of ${name} than the quota says, an admin’s request for the project included`, async () => {
    const url = path.replace('ID', cloud.floatingIp.id);
    const collection = async () => (await api.expect('alice', 'GET', url)).length;
    const before = (await api.expect('alice', 'GET', '/quotas/p-alice/details'))[name].used;
    const shown = await collection();
    await withQuota(api, 'p-alice', { [name]: before }, async () => {
      assert.deepEqual(
        asError(await api.send('alice', 'POST', url, body() as Record<string, unknown>)),
        overQuota(name),
      );
      const forAlice = { [name]: { ...Object.values(body())[0], project_id: 'p-alice' } };
      assert.deepEqual(asError(await api.send('admin', 'POST', url, forAlice)), overQuota(name));
    });
    assert.equal(await collection(), shown);
    await withQuota(api, 'p-alice', { [name]: before + 1 }, async () => {
      const made = await api.expect('alice', 'POST', url, body() as Record<string, unknown>);
      assert.deepEqual(
        asError(await api.send('alice', 'POST', url, body() as Record<string, unknown>)),
        overQuota(name),
      );
      await api.expect('alice', 'DELETE', `${url}/${made.id}`);
      const again = await api.expect('alice', 'POST', url, body() as Record<string, unknown>);
      await api.expect('alice', 'DELETE', `${url}/${again.id}`);
    });
  });
}

test('a forwarding counts for the project of its floating IP, whoever makes it', async () => {
  const url = `/floatingips/${cloud.floatingIp.id}/port_forwardings`;
  const forwarding = {
    port_forwarding: { internal_port_id: cloud.vm1.id, internal_port: 80, external_port: 8080, protocol: 'tcp' },
  };
  await withQuota(api, 'p-admin', { port_forwarding: 0 }, async () => {
    const made = await api.expect('admin', 'POST', url, forwarding);
    assert.equal((await api.expect('alice', 'GET', '/quotas/p-alice/details')).port_forwarding.used, 1);
    await api.expect('admin', 'DELETE', `${url}/${made.id}`);
  });
});

test('a bulk create needs room for all, and makes none without', async () => {
  await withQuota(api, 'p-bob', { network: 3 }, async () => {
    const networks = (count: number) => ({ networks: Array.from({ length: count }, () => ({ name: 'bulk' })) });
    assert.deepEqual(asError(await api.send('bob', 'POST', '/networks', networks(4))), overQuota('network'));
    const count = async () => (await api.expect('bob', 'GET', '/networks?name=bulk')).length;
    assert.equal(await count(), 0);
    assert.equal((await api.send('bob', 'POST', '/networks', networks(3))).status, 201);
    assert.deepEqual(asError(await api.send('bob', 'POST', '/networks', networks(1))), overQuota('network'));
    const mixed = { networks: [{ project_id: 'p-bob' }, { project_id: 'p-other' }] };
    assert.deepEqual(asError(await api.send('admin', 'POST', '/networks', mixed)), overQuota('network'));
    for (const { id } of await api.expect('bob', 'GET', '/networks?name=bulk'))
      await api.expect('bob', 'DELETE', `/networks/${id}`);
  });
});

test('of 40 creates at once against a quota of 10 exactly 10 win', async () => {
  await withQuota(api, 'p-racer', { network: 10 }, async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => api.send('admin', 'POST', '/networks', { network: { project_id: 'p-racer' } })),
    );
    const made = answers.filter(({ status }) => status === 201);
    assert.equal(made.length, 10);
    for (const answer of answers) if (answer.status !== 201) assert.deepEqual(asError(answer), overQuota('network'));
    assert.equal((await api.expect('admin', 'GET', '/networks?project_id=p-racer')).length, 10);
    const { used } = (await api.expect('admin', 'GET', '/quotas/p-racer/details')).network;
    assert.equal(used, 10);
    for (const { body } of made) await api.expect('admin', 'DELETE', `/networks/${body.network.id}`);
  });
});

test('of 40 forwardings at once against a quota of 10 exactly 10 win', async () => {
  const url = `/floatingips/${cloud.floatingIp.id}/port_forwardings`;
  await withQuota(api, 'p-alice', { port_forwarding: 10 }, async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        api.send(index % 2 === 0 ? 'alice' : 'admin', 'POST', url, {
          port_forwarding: {
            internal_port_id: cloud.vm1.id,
            internal_port: 1000 + index,
            external_port: 1000 + index,
            protocol: 'tcp',
          },
        }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 10);
    const list = await api.expect('alice', 'GET', url);
    assert.equal(list.length, 10);
    for (const { id } of list) await api.expect('alice', 'DELETE', `${url}/${id}`);
  });
});

test('a security group needs room for its rules as well, and the error names all that lack', async () => {
  await withQuota(api, 'p-alice', { security_group: 1, security_group_rule: 5 }, async () => {
    const answer = await api.send('alice', 'POST', '/security-groups', { security_group: { name: 'web' } });
    assert.deepEqual(asError(answer), overQuota('security_group', 'security_group_rule'));
  });
  await withQuota(api, 'p-alice', { security_group: 2, security_group_rule: 5 }, async () => {
    const answer = await api.send('alice', 'POST', '/security-groups', { security_group: { name: 'web' } });
    assert.deepEqual(asError(answer), overQuota('security_group_rule'));
  });
  await withQuota(api, 'p-alice', { security_group_rule: 4 }, async () => {
    const [{ id }] = await api.expect('alice', 'GET', '/security-groups?name=default');
    const rule = { security_group_id: id, direction: 'ingress', protocol: 'tcp' };
    const answer = await api.send('alice', 'POST', '/security-group-rules', { security_group_rule: rule });
    assert.deepEqual(asError(answer), overQuota('security_group_rule'));
  });
});

test('a default group is made whatever its quota, if its rules have room; lists are answered in any case', async () => {
  const post = (project: string) => api.send('admin', 'POST', '/networks', { network: { project_id: project } });
  const groups = async (project: string) =>
    (await api.expect('admin', 'GET', `/security-groups?project_id=${project}`)).length;
  await withQuota(api, 'p-one', { security_group: 0, security_group_rule: 4 }, async () => {
    assert.equal((await post('p-one')).status, 201);
    assert.equal(await groups('p-one'), 1);
  });
  await withQuota(api, 'p-two', { security_group_rule: 3 }, async () => {
    assert.deepEqual(asError(await post('p-two')), overQuota('security_group_rule'));
    assert.equal(await groups('p-two'), 0);
  });
  await withQuota(api, 'p-three', { security_group_rule: 5 }, async () => {
    const group = { name: 'web', project_id: 'p-three' };
    const answer = await api.send('admin', 'POST', '/security-groups', { security_group: group });
    assert.deepEqual(asError(answer), overQuota('security_group_rule'), 'four of the default group, two of its own');
    assert.equal(await groups('p-three'), 0);
  });
  const fresh = await TestApi.start({ quotas: { ...defaults, security_group_rule: 3 } });
  try {
    const listed = await fresh.send('bob', 'GET', '/security-groups');
    assert.deepEqual([listed.status, listed.body], [200, { security_groups: [] }]);
  } finally {
    await fresh.stop();
  }
});

test('a router’s interface needs room for a port', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  const { port } = await api.expect('alice', 'GET', '/quotas/p-alice/details');
  await withQuota(api, 'p-alice', { port: port.used }, async () => {
    const subnet = await api.create('alice', '/subnets', 'subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.8.0.0/24',
    });
    const add = { subnet_id: subnet.id };
    const answer = await api.send('alice', 'PUT', `/routers/${cloud.router.id}/add_router_interface`, add);
    assert.deepEqual(asError(answer), overQuota('port'));
  });
  await api.expect('alice', 'DELETE', `/networks/${network.id}`);
});

test('ports of servers count like any other', async () => {
  const ports = new ServerPorts({ ...parseConfig({}).networking });
  const caller = { userId: 'u-alice', projectId: 'p-alice', roles: ['member'], isAdmin: false };
  const make = () =>
    api.store.write(async (tx) => {
      const id = await ports.createPort(tx, caller, {
        serverId: 'server',
        projectId: 'p-alice',
        host: '',
        networkId: cloud.network.id,
        securityGroups: [],
      });
      return [...(await loadAddresses(tx.db, [id])).keys()];
    });
  const { port } = await api.expect('alice', 'GET', '/quotas/p-alice/details');
  await withQuota(api, 'p-alice', { port: port.used + 1 }, async () => {
    const [id] = await make();
    await assert.rejects(make, { status: 409, type: 'OverQuota' });
    await api.expect('alice', 'DELETE', `/ports/${id}`);
  });
});

test('what has no limit is not counted: one look for what was set, and that is all', async () => {
  const statements = (wanted: Record<string, number>) =>
    api.store.write(async (tx) => {
      let answered = 0;
      const db = tx.db.withPlugin({
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          answered++;
          return result;
        },
      });
      await requireRoom({ ...tx, db } as Transaction, { quotas: defaults }, 'p-alice', wanted);
      return answered;
    });
  assert.equal(await statements({ port_forwarding: 1 }), 1);
  assert.equal(await statements({ subnetpool: 1, address_group: 1 }), 1);
  assert.equal(await statements({ network: 1, port_forwarding: 1 }), 2);
});
