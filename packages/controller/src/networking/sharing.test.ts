import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const ABSENT = '00000000-0000-4000-8000-000000000000';
const refusal = ({ status, body }: Answer) => [status, body?.NeutronError?.type];
const share = (who: string, type: string, id: string, target: string, action = 'access_as_shared') =>
  api.create(who, '/rbac-policies', 'rbac_policy', { object_type: type, object_id: id, action, target_tenant: target });
const removePolicy = (who: string, { id }: { id: string }) => api.send(who, 'DELETE', `/rbac-policies/${id}`);
const idsOf = async (who: string, path: string): Promise<string[]> =>
  (await api.expect(who, 'GET', path)).map(({ id }: { id: string }) => id);

/** What can be shared: type, path, key of a body, what it is made of. */
const SHAREABLE: [string, string, () => Record<string, unknown>][] = [
  ['network', '/networks', () => ({ name: 'n' })],
  ['security_group', '/security-groups', () => ({ name: 'g' })],
  ['address_group', '/address-groups', () => ({ name: 'a', addresses: ['10.0.0.0/8'] })],
  ['subnetpool', '/subnetpools', () => ({ name: 'p', prefixes: ['10.0.0.0/8'] })],
  ['address_scope', '/address-scopes', () => ({ name: 's', ip_version: 4 })],
];

for (const [type, path, values] of SHAREABLE) {
  test(`${type}: seen by another project while a policy says so, changed by its owner alone`, async () => {
    const made = await api.create('alice', path, type, values());
    const notFound = await api.send('bob', 'GET', `${path}/${made.id}`);
    assert.equal(notFound.status, 404);
    assert.match(notFound.body.NeutronError.type, /NotFound$/);
    assert.ok(!(await idsOf('bob', path)).includes(made.id));
    assert.equal((await api.send('bob', 'PUT', `${path}/${made.id}`, { [type]: { name: 'mine' } })).status, 404);
    assert.equal((await api.send('bob', 'DELETE', `${path}/${made.id}`)).status, 404);

    for (const target of ['p-bob', '*']) {
      const policy = await share(target === '*' ? 'admin' : 'alice', type, made.id, target);
      const seen = await api.expect('bob', 'GET', `${path}/${made.id}`);
      assert.deepEqual([seen.id, seen.shared, seen.project_id], [made.id, true, 'p-alice']);
      const listed = await api.expect('bob', 'GET', `${path}?id=${made.id}`);
      assert.deepEqual(listed, [seen]);
      assert.deepEqual(await idsOf('bob', `${path}?id=${made.id}&shared=True`), [made.id]);
      assert.deepEqual(await idsOf('bob', `${path}?id=${made.id}&shared=false`), []);
      assert.deepEqual(await idsOf('bob', `${path}?id=${made.id}&shared=false&shared=true`), [made.id]);
      const own = await api.expect('alice', 'GET', `${path}/${made.id}`);
      assert.equal(own.shared, target === '*', 'shared with its owner only where it is with all');
      assert.equal((await api.send('bob', 'PUT', `${path}/${made.id}`, { [type]: { name: 'mine' } })).status, 403);
      assert.equal((await api.send('bob', 'DELETE', `${path}/${made.id}`)).status, 403);
      assert.equal((await api.send('unscoped', 'GET', `${path}/${made.id}`)).status, 404);
      assert.equal((await removePolicy('admin', policy)).status, 204);
      assert.equal((await api.send('bob', 'GET', `${path}/${made.id}`)).status, 404);
    }
    await share('alice', type, made.id, 'p-bob');
    assert.equal((await api.send('alice', 'DELETE', `${path}/${made.id}`)).status, 204);
    assert.deepEqual(await idsOf('admin', `/rbac-policies?object_id=${made.id}`), [], 'its policies go with it');
  });
}

test('policies: shown to their owner alone, filtered, changed, deleted', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  const policy = await share('alice', 'Network ', network.id, 'p-bob');
  assert.deepEqual(policy, {
    id: policy.id,
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    object_type: 'network',
    object_id: network.id,
    action: 'access_as_shared',
    target_tenant: 'p-bob',
  });
  assert.deepEqual(await api.expect('alice', 'GET', `/rbac-policies/${policy.id}`), policy);
  assert.deepEqual(await api.expect('alice', 'GET', '/rbac-policies?object_type=network&target_tenant=p-bob'), [
    policy,
  ]);
  assert.deepEqual(await api.expect('alice', 'GET', '/rbac-policies?action=access_as_external'), []);
  const hidden = await api.send('bob', 'GET', `/rbac-policies/${policy.id}`);
  assert.deepEqual(refusal(hidden), [404, 'RbacPolicyNotFound']);
  assert.equal(
    hidden.body.NeutronError.message,
    `RBAC policy of type unknown with ID ${policy.id} not found`,
    'not even its type is told',
  );
  assert.deepEqual(await api.expect('bob', 'GET', '/rbac-policies'), []);

  const before = await api.expect('alice', 'GET', `/networks/${network.id}`);
  const moved = await api.expect('alice', 'PUT', `/rbac-policies/${policy.id}`, {
    rbac_policy: { target_tenant: 'p-carol' },
  });
  assert.deepEqual(moved, { ...policy, target_tenant: 'p-carol' });
  const after = await api.expect('alice', 'GET', `/networks/${network.id}`);
  assert.ok(after.revision_number > before.revision_number, 'the network’s revision grows with its policies');
  assert.equal((await api.send('bob', 'GET', `/networks/${network.id}`)).status, 404);
  const both = await api.send('alice', 'POST', '/rbac-policies', {
    rbac_policies: ['p-bob', 'p-dora'].map((target) => ({
      object_type: 'network',
      object_id: network.id,
      action: 'access_as_shared',
      target_tenant: target,
    })),
  });
  assert.deepEqual([both.status, both.body.rbac_policies.length], [201, 2]);
  assert.deepEqual(refusal(await removePolicy('bob', policy)), [404, 'RbacPolicyNotFound']);
  assert.deepEqual(refusal(await removePolicy('reader', policy)), [403, 'PolicyNotAuthorized']);
  for (const { id } of [policy, ...both.body.rbac_policies]) {
    assert.equal((await removePolicy('alice', { id })).status, 204);
  }
});

test('policies: what is refused', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  const group = await api.create('alice', '/security-groups', 'security_group', {});
  const shared = await share('alice', 'network', network.id, 'p-bob');
  const complete = {
    object_type: 'network',
    object_id: network.id,
    action: 'access_as_shared',
    target_tenant: 'p-carol',
  };
  const rows: [string, object, number, string, RegExp][] = [
    ['alice', { target_tenant: 'p-bob' }, 409, 'DuplicateRbacPolicy', /^An RBAC policy already exists with those/],
    ['alice', { object_type: 'router' }, 400, 'InvalidInput', /: 'router' is not a valid RBAC object type\.$/],
    ['alice', { object_type: 5 }, 400, 'InvalidInput', /'5' is not a valid RBAC object type/],
    ['alice', { object_type: undefined }, 400, 'HTTPBadRequest', /Required attribute 'object_type' not specified/],
    [
      'alice',
      { object_id: 'x' },
      400,
      'HTTPBadRequest',
      /^Invalid input for object_id\. Reason: 'x' is not a valid UUID/,
    ],
    ['alice', { object_id: ABSENT }, 404, 'NetworkNotFound', /could not be found/],
    ['alice', { object_id: group.id }, 404, 'NetworkNotFound', /could not be found/],
    ['carol', {}, 401, 'none', /./],
    ['bob', {}, 400, 'InvalidInput', /: Only admins can manipulate policies on networks they do not own\.$/],
    ['bob', { object_type: 'security_group', object_id: group.id }, 404, 'SecurityGroupNotFound', /./],
    [
      'alice',
      { action: 'eat' },
      400,
      'InvalidActionForType',
      /^Invalid action 'eat' for object type 'network'\. Valid actions: \('access_as_shared', 'access_as_external'\)$/,
    ],
    [
      'alice',
      { object_type: 'security_group', object_id: group.id, action: 'access_as_external' },
      400,
      'InvalidActionForType',
      /'access_as_external' for object type 'security_group'\. Valid actions: \('access_as_shared',\)$/,
    ],
    [
      'alice',
      { target_tenant: '*' },
      403,
      'PolicyNotAuthorized',
      /^\(rule:create_rbac_policy and rule:create_rbac_policy:target_tenant\) is disallowed by policy$/,
    ],
    [
      'alice',
      { target_tenant: '' },
      400,
      'InvalidInput',
      /'' is not a valid target project ID; expected a UUID or '\*'/,
    ],
    ['alice', { target_tenant: undefined }, 400, 'HTTPBadRequest', /Required attribute 'target_tenant' not specified/],
    ['alice', { project_id: 'p-bob' }, 400, 'HTTPBadRequest', /other than the authenticated project/],
    ['reader', {}, 403, 'PolicyNotAuthorized', /^rule:create_rbac_policy is disallowed by policy$/],
    ['unscoped', {}, 403, 'PolicyNotAuthorized', /./],
  ];
  const before = await idsOf('admin', '/rbac-policies');
  for (const [who, change, status, type, message] of rows) {
    const answer = await api.send(who, 'POST', '/rbac-policies', { rbac_policy: { ...complete, ...change } });
    assert.equal(answer.status, status, `${JSON.stringify(change)}: ${JSON.stringify(answer.body)}`);
    if (status === 401) continue;
    assert.equal(answer.body.NeutronError.type, type);
    assert.match(answer.body.NeutronError.message, message);
  }
  const put = (who: string, values: object) =>
    api.send(who, 'PUT', `/rbac-policies/${shared.id}`, { rbac_policy: values });
  const wild = await put('alice', { target_tenant: '*' });
  assert.deepEqual(refusal(wild), [403, 'PolicyNotAuthorized']);
  assert.match(wild.body.NeutronError.message, /rule:update_rbac_policy:target_tenant/);
  assert.match(
    (await put('alice', { action: 'x' })).body.NeutronError.message,
    /^Cannot update read-only attribute action/,
  );
  assert.deepEqual(refusal(await put('bob', { target_tenant: 'p-x' })), [404, 'RbacPolicyNotFound']);
  await share('alice', 'network', network.id, 'p-dora');
  assert.deepEqual(refusal(await put('alice', { target_tenant: 'p-dora' })), [409, 'DuplicateRbacPolicy']);
  assert.deepEqual(refusal(await removePolicy('alice', { id: ABSENT })), [404, 'RbacPolicyNotFound']);
  const kept = { rbac_policy: { target_tenant: 'p-bob' } };
  const conditional = { 'if-match': 'revision_number=7' };
  const unversioned = await api.send('alice', 'PUT', `/rbac-policies/${shared.id}`, kept, conditional);
  assert.equal(unversioned.status, 200, 'policies have no revisions to match');
  assert.equal((await idsOf('admin', '/rbac-policies')).length, before.length + 1);
});

test('a network shared with one project: its subnets are seen, and ports made on it', async () => {
  const network = await api.create('alice', '/networks', 'network', { name: 'lent' });
  const subnet = await api.create('alice', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.77.0.0/24',
  });
  const makePort = (who: string, more: object = {}) =>
    api.send(who, 'POST', '/ports', { port: { network_id: network.id, ...more } });
  assert.deepEqual(refusal(await makePort('bob')), [404, 'NetworkNotFound']);
  const policy = await share('alice', 'network', network.id, 'p-bob');
  assert.deepEqual(await idsOf('bob', `/subnets?network_id=${network.id}`), [subnet.id]);
  assert.equal((await api.send('bob', 'DELETE', `/subnets/${subnet.id}`)).status, 403);
  const foreign = await api.send('bob', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.78.0.0/24' },
  });
  assert.deepEqual(refusal(foreign), [403, 'HTTPForbidden']);
  assert.deepEqual(refusal(await makePort('bob', { fixed_ips: [{ ip_address: '10.77.0.9' }] })), [
    403,
    'PolicyNotAuthorized',
  ]);
  const made = await makePort('bob');
  assert.equal(made.status, 201);
  const router = await api.create('bob', '/routers', 'router', {});
  const attached = await api.send('bob', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  assert.equal(attached.status, 200);

  const inUse = await removePolicy('alice', policy);
  assert.deepEqual(refusal(inUse), [409, 'RbacPolicyInUse']);
  assert.match(
    inUse.body.NeutronError.message,
    new RegExp(
      `^RBAC policy on object ${network.id} cannot be removed because other objects depend on it\\.\nDetails: `,
    ),
  );
  const moved = await api.send('alice', 'PUT', `/rbac-policies/${policy.id}`, {
    rbac_policy: { target_tenant: 'p-carol' },
  });
  assert.deepEqual(refusal(moved), [409, 'RbacPolicyInUse']);
  const toAll = await share('admin', 'network', network.id, '*');
  assert.equal((await removePolicy('alice', policy)).status, 204, 'it is shared with all');
  assert.deepEqual(refusal(await removePolicy('admin', toAll)), [409, 'RbacPolicyInUse']);
  const unshared = await api.send('admin', 'PUT', `/networks/${network.id}`, { network: { shared: false } });
  assert.deepEqual(refusal(unshared), [409, 'InvalidSharedSetting']);
  const again = await share('alice', 'network', network.id, 'p-bob');
  assert.equal((await removePolicy('admin', toAll)).status, 204, 'it is shared with whoever uses it');

  await api.send('bob', 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id });
  await api.send('bob', 'DELETE', `/ports/${made.body.port.id}`);
  assert.equal((await removePolicy('alice', again)).status, 204);
  assert.deepEqual(await idsOf('bob', `/subnets?network_id=${network.id}`), []);
  assert.equal((await api.send('bob', 'GET', `/subnets/${subnet.id}`)).status, 404);
  assert.deepEqual(refusal(await makePort('bob')), [404, 'NetworkNotFound']);
});

test('shared of a network and its policy for all are one thing', async () => {
  const policies = (id: string, action: string) => idsOf('admin', `/rbac-policies?object_id=${id}&action=${action}`);
  const network = await api.create('admin', '/networks', 'network', { shared: true });
  assert.equal(network.shared, true);
  const [policy] = await policies(network.id, 'access_as_shared');
  assert.equal((await api.expect('bob', 'GET', `/networks/${network.id}`)).shared, true);
  assert.equal((await removePolicy('admin', { id: policy as string })).status, 204);
  assert.equal((await api.expect('admin', 'GET', `/networks/${network.id}`)).shared, false);
  const put = (shared: boolean) => api.expect('admin', 'PUT', `/networks/${network.id}`, { network: { shared } });
  assert.equal((await put(true)).shared, true);
  assert.equal((await put(true)).shared, true);
  assert.equal((await policies(network.id, 'access_as_shared')).length, 1);
  assert.equal((await put(false)).shared, false);
  assert.deepEqual(await policies(network.id, 'access_as_shared'), []);
  assert.equal((await api.send('bob', 'GET', `/networks/${network.id}`)).status, 404);
  const refused = await api.send('alice', 'POST', '/networks', { network: { shared: true } });
  assert.deepEqual(refusal(refused), [403, 'PolicyNotAuthorized']);
});

test('external networks and their policies are one thing', async () => {
  const policies = (id: string) =>
    api.expect('admin', 'GET', `/rbac-policies?object_id=${id}&action=access_as_external`);
  const [wildcard] = await policies(cloud.external.id);
  assert.equal(wildcard.target_tenant, '*');
  const network = await api.create('admin', '/networks', 'network', {});
  await api.create('admin', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '198.51.100.0/24' });
  const isExternal = async () => (await api.expect('admin', 'GET', `/networks/${network.id}`))['router:external'];
  const fip = (who: string) =>
    api.send(who, 'POST', '/floatingips', { floatingip: { floating_network_id: network.id } });

  const forAlice = await share('admin', 'network', network.id, 'p-alice', 'access_as_external');
  assert.equal(await isExternal(), true, 'the policy made it external');
  assert.deepEqual(refusal(await fip('bob')), [404, 'NetworkNotFound']);
  const held = await fip('alice');
  assert.equal(held.status, 201);
  const seen = await api.expect('alice', 'GET', `/networks/${network.id}`);
  assert.deepEqual([seen.shared, seen['router:external']], [false, true]);
  assert.deepEqual(await idsOf('alice', `/subnets?network_id=${network.id}`), [], 'its subnets are not shown');
  const onIt = await api.send('alice', 'POST', '/ports', { port: { network_id: network.id } });
  assert.deepEqual(refusal(onIt), [403, 'HTTPForbidden']);
  assert.deepEqual(refusal(await removePolicy('admin', forAlice)), [409, 'RbacPolicyInUse']);

  const router = await api.create('alice', '/routers', 'router', { external_gateway_info: { network_id: network.id } });
  await api.send('alice', 'DELETE', `/floatingips/${held.body.floatingip.id}`);
  const gatewayed = await removePolicy('admin', forAlice);
  assert.deepEqual(refusal(gatewayed), [409, 'RbacPolicyInUse']);
  assert.match(gatewayed.body.NeutronError.message, /There are routers attached to this network/);
  const closed = await api.send('admin', 'PUT', `/networks/${network.id}`, { network: { 'router:external': false } });
  assert.deepEqual(refusal(closed), [409, 'ExternalNetworkInUse']);
  const forBob = await share('admin', 'network', network.id, 'p-bob', 'access_as_external');
  assert.equal((await api.send('bob', 'GET', `/networks/${network.id}`)).status, 200);
  assert.equal((await removePolicy('admin', forBob)).status, 204);
  assert.equal(await isExternal(), true, 'another policy says so');
  await api.send('alice', 'DELETE', `/routers/${router.id}`);
  assert.equal((await removePolicy('admin', forAlice)).status, 204);
  assert.equal(await isExternal(), false, 'no policy says so any more');

  await api.send('admin', 'PUT', `/networks/${network.id}`, { network: { 'router:external': true, is_default: true } });
  const [forAll] = await policies(network.id);
  const byDefault = await removePolicy('admin', forAll);
  assert.match(byDefault.body.NeutronError.message, /Default external networks must be shared to everyone\.$/);
  await api.send('admin', 'PUT', `/networks/${network.id}`, { network: { 'router:external': false } });
  assert.deepEqual(await policies(network.id), []);
});

test('a security group shared with a project: for its ports, not for its rules', async () => {
  const group = await api.create('alice', '/security-groups', 'security_group', { name: 'common' });
  const network = await api.create('bob', '/networks', 'network', {});
  await api.create('bob', '/subnets', 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.5.0.0/24' });
  const port = () =>
    api.send('bob', 'POST', '/ports', { port: { network_id: network.id, security_groups: [group.id] } });
  const rule = (values: object) =>
    api.send('bob', 'POST', '/security-group-rules', { security_group_rule: { direction: 'ingress', ...values } });
  assert.deepEqual(refusal(await port()), [404, 'SecurityGroupNotFound']);
  assert.deepEqual(refusal(await rule({ security_group_id: group.id })), [404, 'SecurityGroupNotFound']);
  const policy = await share('alice', 'security_group', group.id, 'p-bob');
  const made = await port();
  assert.deepEqual([made.status, made.body.port.security_groups], [201, [group.id]]);
  assert.deepEqual(refusal(await rule({ security_group_id: group.id })), [403, 'PolicyNotAuthorized']);
  const [own] = await api.expect('bob', 'GET', '/security-groups?name=default&shared=false');
  assert.equal((await rule({ security_group_id: own.id, remote_group_id: group.id })).status, 201);
  assert.deepEqual(refusal(await removePolicy('alice', policy)), [409, 'RbacPolicyInUse']);
  assert.equal(
    (await api.send('bob', 'PUT', `/ports/${made.body.port.id}`, { port: { security_groups: [] } })).status,
    200,
  );
  assert.equal((await removePolicy('alice', policy)).status, 204);
  assert.deepEqual(refusal(await port()), [404, 'SecurityGroupNotFound']);
});

test('policies that are made at once: of equals, one', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  const answers = await Promise.all(
    Array.from({ length: 6 }, () =>
      api.send('alice', 'POST', '/rbac-policies', {
        rbac_policy: {
          object_type: 'network',
          object_id: network.id,
          action: 'access_as_shared',
          target_tenant: 'p-bob',
        },
      }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
});
