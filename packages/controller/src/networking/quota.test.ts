import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '@portward/model/config.ts';
import { aliceCloud, TestApi } from '../http/test-api.ts';
import { asError, setQuota, withQuota } from './quota-fixture.ts';

const { quotas: defaults } = parseConfig({}).networking;
let api: TestApi;

before(async () => {
  api = await TestApi.start({ quotas: defaults });
  await aliceCloud(api);
});
after(() => api.stop());

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
  const set = await setQuota(api, 'p-carol', { network: '7', router: -1, tenant_id: 'p-carol' });
  assert.deepEqual(set, { ...defaults, network: 7, router: -1 });
  assert.deepEqual(await setQuota(api, 'p-carol', { network: 2_147_483_647 }), { ...set, network: 2_147_483_647 });
  assert.deepEqual(
    await setQuota(api, 'p-carol', {}),
    { ...set, network: 2_147_483_647 },
    'nothing named, nothing changed',
  );
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
    await withQuota(api, 'p-alice', limits, async () => {
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
