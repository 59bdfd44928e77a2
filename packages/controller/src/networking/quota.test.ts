import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '@portward/model/config.ts';
import { type Answer, aliceCloud, TestApi } from '../http/test-api.ts';
import { loadAddresses } from './address-allocation.ts';
import { ServerPorts } from './server-ports.ts';

const { quotas: defaults } = parseConfig({}).networking;
let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start({ quotas: defaults });
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const asError = ({ status, body }: Answer) => [status, body.NeutronError.type, body.NeutronError.message];
const overQuota = (...resources: string[]) => [
  409,
  'OverQuota',
  `Quota exceeded for resources: [${resources.map((name) => `'${name}'`).join(', ')}].`,
];
const setQuota = (project: string, limits: object) =>
  api.expect('admin', 'PUT', `/quotas/${project}`, { quota: limits });

/** Runs `work` with limits for a project that are gone afterwards. */
async function withQuota(project: string, limits: object, work: () => Promise<void>): Promise<void> {
  await setQuota(project, limits);
  try {
    await work();
  } finally {
    await api.send('admin', 'DELETE', `/quotas/${project}`);
  }
}

/** What a project may have in Neutron as it is installed. */
const NEUTRON_DEFAULTS = {
  network: 100,
  subnet: 100,
  port: 500,
  router: 10,
  floatingip: 50,
  security_group: 10,
  security_group_rule: 100,
  subnetpool: -1,
  rbac_policy: 10,
};

test('the defaults are Neutron’s; port forwardings have no limit', async () => {
  const shown = await api.expect('alice', 'GET', '/quotas/p-alice');
  for (const [name, limit] of Object.entries(NEUTRON_DEFAULTS)) assert.equal(shown[name], limit, name);
  assert.equal(shown.port_forwarding, -1);
  assert.deepEqual(shown, defaults, 'no more and no less than what the configuration knows');
  assert.deepEqual(await api.expect('alice', 'GET', '/quotas/p-alice/default'), shown);
  assert.deepEqual(await api.expect('admin', 'GET', '/quotas/nobody-knows-it'), shown);
  assert.deepEqual(await api.expect('reader', 'GET', '/quotas/p-alice?fields=network&fields=nope'), { network: 100 });
});

/** Who, method, path, body, and what is answered. */
const REFUSALS: [string, string, string, object | undefined, number, string, string][] = [
  ['bob', 'GET', '/quotas', undefined, 403, 'PolicyNotAuthorized', 'rule:get_quota is disallowed by policy'],
  ['bob', 'GET', '/quotas/p-alice', undefined, 403, 'PolicyNotAuthorized', 'rule:get_quota is disallowed by policy'],
  [
    'bob',
    'GET',
    '/quotas/p-alice/default',
    undefined,
    403,
    'PolicyNotAuthorized',
    'rule:get_quota is disallowed by policy',
  ],
  [
    'bob',
    'GET',
    '/quotas/p-alice/details',
    undefined,
    403,
    'PolicyNotAuthorized',
    'rule:get_quota is disallowed by policy',
  ],
  ['unscoped', 'GET', '/quotas/p-bob', undefined, 403, 'PolicyNotAuthorized', 'rule:get_quota is disallowed by policy'],
  [
    'bob',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: -1 } },
    403,
    'PolicyNotAuthorized',
    'rule:update_quota is disallowed by policy',
  ],
  [
    'bob',
    'DELETE',
    '/quotas/p-bob',
    undefined,
    403,
    'PolicyNotAuthorized',
    'rule:delete_quota is disallowed by policy',
  ],
  [
    'admin',
    'DELETE',
    '/quotas/p-bob',
    undefined,
    404,
    'TenantQuotaNotFound',
    'Quota for tenant p-bob could not be found.',
  ],
  ['admin', 'DELETE', '/quotas', undefined, 404, 'TenantQuotaNotFound', 'Quota for tenant None could not be found.'],
  [
    'admin',
    'POST',
    '/quotas',
    { quota: {} },
    501,
    'HTTPNotImplemented',
    'The server has either erred or is incapable of performing the requested operation.',
  ],
  [
    'admin',
    'PATCH',
    '/quotas',
    { quota: {} },
    405,
    'HTTPMethodNotAllowed',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  [
    'admin',
    'POST',
    '/quotas/p-bob',
    { quota: {} },
    405,
    'HTTPMethodNotAllowed',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  ['admin', 'GET', '/quotas/p-bob/nothing', undefined, 404, 'HTTPNotFound', 'The resource could not be found.'],
  [
    'unscoped',
    'GET',
    '/quotas/project',
    undefined,
    400,
    'QuotaMissingTenant',
    'Tenant-id was missing from quota request.',
  ],
  ['admin', 'PUT', '/quotas/p-bob', {}, 400, 'HTTPBadRequest', 'Resource body required'],
  ['admin', 'PUT', '/quotas/p-bob', { quotas: {} }, 400, 'HTTPBadRequest', "Unable to find 'quota' in request body"],
  ['admin', 'PUT', '/quotas/p-bob', { quota: [] }, 400, 'HTTPBadRequest', "Object 'quota' contains invalid data"],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: 1, loadbalancer: 1, alien: 2 } },
    400,
    'HTTPBadRequest',
    "Unrecognized attribute(s) 'alien, loadbalancer'",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: -2 } },
    400,
    'HTTPBadRequest',
    "Invalid input for network. Reason: '-2' is too small - must be at least '-1'.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: 2_147_483_648 } },
    400,
    'HTTPBadRequest',
    "Invalid input for network. Reason: '2147483648' is too large - must be no larger than '2147483647'.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: 'abc' } },
    400,
    'HTTPBadRequest',
    "Invalid input for network. Reason: 'abc' is not an integer.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: 1.5 } },
    400,
    'HTTPBadRequest',
    "Invalid input for network. Reason: '1.5' is not an integer.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { network: null } },
    400,
    'HTTPBadRequest',
    "Invalid input for network. Reason: 'None' is not an integer.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { check_limit: 'maybe' } },
    400,
    'InvalidInput',
    "Invalid input for operation: 'maybe' cannot be converted to boolean.",
  ],
  [
    'admin',
    'PUT',
    '/quotas/p-bob',
    { quota: { tenant_id: 'p-alice' } },
    400,
    'HTTPBadRequest',
    'Cannot update read-only attribute project_id',
  ],
];

for (const [who, method, path, body, ...expected] of REFUSALS) {
  test(`refused: ${who} ${method} ${path} ${JSON.stringify(body) ?? ''}`, async () => {
    assert.deepEqual(asError(await api.send(who, method, path, body as Record<string, unknown>)), expected);
  });
}

test('limits are set, listed, and forgotten; what was not named keeps its default', async () => {
  assert.deepEqual(await api.expect('bob', 'GET', '/quotas/project'), { project_id: 'p-bob' });
  assert.deepEqual(await api.expect('bob', 'GET', '/quotas/tenant'), { tenant_id: 'p-bob' });
  const set = await setQuota('p-carol', { network: '7', router: -1, tenant_id: 'p-carol' });
  assert.deepEqual(set, { ...defaults, network: 7, router: -1 });
  assert.deepEqual(await setQuota('p-carol', { network: 2_147_483_647 }), { ...set, network: 2_147_483_647 });
  assert.deepEqual(await setQuota('p-carol', {}), { ...set, network: 2_147_483_647 }, 'nothing named, nothing changed');
  assert.deepEqual(await api.expect('admin', 'GET', '/quotas/p-carol/default'), defaults);
  const listed = (await api.send('admin', 'GET', '/quotas')).body.quotas;
  assert.deepEqual(listed, [
    { ...defaults, network: 2_147_483_647, router: -1, project_id: 'p-carol', tenant_id: 'p-carol' },
  ]);
  assert.equal((await api.send('admin', 'DELETE', '/quotas/p-carol')).status, 204);
  assert.deepEqual((await api.send('admin', 'GET', '/quotas')).body, { quotas: [] });
  assert.deepEqual(await api.expect('admin', 'GET', '/quotas/p-carol'), defaults);
});

test('a refused change of several limits changes none', async () => {
  const answer = await api.send('admin', 'PUT', '/quotas/p-alice', {
    quota: { router: 5, network: 0, check_limit: true },
  });
  assert.deepEqual(asError(answer), [
    400,
    'HTTPBadRequest',
    'Quota limit 0 for network must be greater than or equal to already used 1',
  ]);
  assert.equal((await api.send('admin', 'DELETE', '/quotas/p-alice')).status, 404);
});

test('check_limit: what is in use is enough, -1 always, and force overrides it; without it anything goes', async () => {
  for (const limits of [
    { network: 1, check_limit: true },
    { network: -1, check_limit: 'True' },
    { network: 0, check_limit: true, force: true },
    { network: 0, check_limit: false },
    { network: 0 },
  ]) {
    await withQuota('p-alice', limits, async () => {
      const shown = await api.expect('alice', 'GET', '/quotas/p-alice');
      assert.equal(shown.network, limits.network, JSON.stringify(limits));
      assert.ok(!('check_limit' in shown) && !('force' in shown));
    });
  }
});

test('details: what is in use, whoever made it', async () => {
  const { body } = await api.send('alice', 'GET', '/quotas/p-alice/details');
  const used = Object.fromEntries(
    Object.entries(body.quota as Record<string, { used: number }>).map(([name, item]) => [name, item.used]),
  );
  // Ports: two of VMs and the router’s interface; that of the floating IP and the gateway’s belong to no project.
  assert.deepEqual(used, {
    ...Object.fromEntries(Object.keys(defaults).map((name) => [name, 0])),
    network: 1,
    subnet: 1,
    security_group: 1,
    security_group_rule: 4,
    router: 1,
    port: 3,
    floatingip: 1,
  });
  assert.deepEqual(body.quota.network, { limit: 100, used: 1, reserved: 0 });
});

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
    await withQuota('p-alice', { [name]: before }, async () => {
      assert.deepEqual(
        asError(await api.send('alice', 'POST', url, body() as Record<string, unknown>)),
        overQuota(name),
      );
      const forAlice = { [name]: { ...Object.values(body())[0], project_id: 'p-alice' } };
      assert.deepEqual(asError(await api.send('admin', 'POST', url, forAlice)), overQuota(name));
    });
    assert.equal(await collection(), shown);
    await withQuota('p-alice', { [name]: before + 1 }, async () => {
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
  await withQuota('p-admin', { port_forwarding: 0 }, async () => {
    const made = await api.expect('admin', 'POST', url, forwarding);
    assert.equal((await api.expect('alice', 'GET', '/quotas/p-alice/details')).port_forwarding.used, 1);
    await api.expect('admin', 'DELETE', `${url}/${made.id}`);
  });
});

test('a bulk create needs room for all, and makes none without', async () => {
  await withQuota('p-bob', { network: 3 }, async () => {
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
  await withQuota('p-racer', { network: 10 }, async () => {
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
  await withQuota('p-alice', { port_forwarding: 10 }, async () => {
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
  await withQuota('p-alice', { security_group: 1, security_group_rule: 5 }, async () => {
    const answer = await api.send('alice', 'POST', '/security-groups', { security_group: { name: 'web' } });
    assert.deepEqual(asError(answer), overQuota('security_group', 'security_group_rule'));
  });
  await withQuota('p-alice', { security_group: 2, security_group_rule: 5 }, async () => {
    const answer = await api.send('alice', 'POST', '/security-groups', { security_group: { name: 'web' } });
    assert.deepEqual(asError(answer), overQuota('security_group_rule'));
  });
  await withQuota('p-alice', { security_group_rule: 4 }, async () => {
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
  await withQuota('p-one', { security_group: 0, security_group_rule: 4 }, async () => {
    assert.equal((await post('p-one')).status, 201);
    assert.equal(await groups('p-one'), 1);
  });
  await withQuota('p-two', { security_group_rule: 3 }, async () => {
    assert.deepEqual(asError(await post('p-two')), overQuota('security_group_rule'));
    assert.equal(await groups('p-two'), 0);
  });
  await withQuota('p-three', { security_group_rule: 5 }, async () => {
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
  await withQuota('p-alice', { port: port.used }, async () => {
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
  await withQuota('p-alice', { port: port.used + 1 }, async () => {
    const [id] = await make();
    await assert.rejects(make, { status: 409, type: 'OverQuota' });
    await api.expect('alice', 'DELETE', `/ports/${id}`);
  });
});
