import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, TestApi } from '../http/test-api.ts';

let api: TestApi;

before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

const ABSENT = '00000000-0000-4000-8000-000000000000';
const refusal = ({ status, body }: Answer) => [status, body.NeutronError.type, body.NeutronError.message];
const create = (addresses?: unknown, who = 'alice') =>
  api.create(who, '/address-groups', 'address_group', {
    name: 'office',
    ...(addresses !== undefined && { addresses }),
  });
const act = (who: string, id: string, action: string, body: object) =>
  api.send(who, 'PUT', `/address-groups/${id}/${action}`, body as Record<string, unknown>);

test('address groups: made, listed, renamed, deleted; addresses come and go', async () => {
  const group = await create(['192.168.7.9/24', 'fd00::1/64', '10.0.0.0/8']);
  assert.deepEqual(group, {
    id: group.id,
    name: 'office',
    description: '',
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    addresses: ['10.0.0.0/8', '192.168.7.0/24', 'fd00::/64'],
    shared: false,
  });
  assert.deepEqual(await api.expect('alice', 'GET', `/address-groups/${group.id}`), group);
  assert.deepEqual(await api.expect('alice', 'GET', '/address-groups?name=office'), [group]);
  const renamed = await api.expect('alice', 'PUT', `/address-groups/${group.id}`, {
    address_group: { name: 'home', description: 'mine' },
  });
  assert.deepEqual(renamed, { ...group, name: 'home', description: 'mine' });
  const added = await act('alice', group.id, 'add_addresses', { addresses: ['203.0.113.7/32', '172.16.0.0/12'] });
  assert.equal(added.status, 200);
  assert.deepEqual(added.body.address_group.addresses, [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.7.0/24',
    '203.0.113.7/32',
    'fd00::/64',
  ]);
  const removed = await act('alice', group.id, 'remove_addresses', { addresses: ['203.0.113.7', '10.9.9.9/8'] });
  assert.deepEqual(
    [removed.status, removed.body.address_group.addresses],
    [200, ['172.16.0.0/12', '192.168.7.0/24', 'fd00::/64']],
    'another way of writing the same network',
  );
  assert.deepEqual((await create()).addresses, []);
  assert.equal((await api.send('alice', 'DELETE', `/address-groups/${group.id}`)).status, 204);
  assert.equal((await api.send('alice', 'GET', `/address-groups/${group.id}`)).status, 404);
  assert.equal((await api.send('alice', 'GET', `/address-groups/${group.id}/tags`)).status, 404);
});

test('address groups: what is refused', async () => {
  const group = await create(['10.0.0.0/8']);
  const post = (addresses: unknown) => api.send('alice', 'POST', '/address-groups', { address_group: { addresses } });
  const reason = (text: string) => [400, 'HTTPBadRequest', `Invalid input for addresses. Reason: ${text}.`];
  const created: [unknown, string][] = [
    [['1.1.1.1'], "'1.1.1.1' isn't a recognized IP subnet cidr, '1.1.1.1/32' is recommended"],
    [['x'], "'x' is not a valid IP subnet"],
    [['10.0.0.0/33'], "'10.0.0.0/33' is not a valid IP subnet"],
    [[7], "'7' is not a valid IP subnet"],
    ['10.0.0.0/8', "'10.0.0.0/8' is not a list"],
    [['10.0.0.0/8', '10.0.0.0/8'], "Duplicate items in the list: '10.0.0.0/8'"],
  ];
  for (const [addresses, text] of created) assert.deepEqual(refusal(await post(addresses)), reason(text));
  const acted: [string, object, unknown[]][] = [
    ['add_addresses', { addresses: ['x'] }, reason("'x' is not a valid IP subnet")],
    ['add_addresses', { addresses: 'x' }, reason("'x' is not a list")],
    ['add_addresses', { other: [] }, [400, 'HTTPBadRequest', "Unrecognized attribute(s) 'other'"]],
    ['add_addresses', {}, [400, 'HTTPBadRequest', 'Resource body required']],
    [
      'add_addresses',
      { addresses: ['10.0.0.0/8', '11.0.0.0/8'] },
      [400, 'AddressesAlreadyExist', `Addresses ['10.0.0.0/8'] already exist in the address group ${group.id}.`],
    ],
    [
      'remove_addresses',
      { addresses: ['10.0.0.0/8', '11.0.0.0/8'] },
      [404, 'AddressesNotFound', `Addresses ['11.0.0.0/8'] not found in the address group ${group.id}.`],
    ],
    ['remove_addresses', { addresses: [null] }, reason("'None' is not a valid IP subnet")],
  ];
  for (const [action, body, wanted] of acted) {
    assert.deepEqual(refusal(await act('alice', group.id, action, body)), wanted);
  }
  assert.deepEqual((await api.expect('alice', 'GET', `/address-groups/${group.id}`)).addresses, ['10.0.0.0/8']);
  for (const action of ['add_addresses', 'remove_addresses']) {
    const body = { addresses: ['12.0.0.0/8'] };
    const absent = [404, 'AddressGroupNotFound', `Address group ${group.id} could not be found.`];
    assert.deepEqual(refusal(await act('bob', group.id, action, body)), absent);
    assert.equal((await act('reader', group.id, action, body)).status, 403);
    assert.equal((await act('alice', ABSENT, action, body)).status, 404);
  }
  assert.equal((await act('alice', group.id, 'multiply', { addresses: [] })).status, 404);
  const describe = (length: number) =>
    api.send('alice', 'PUT', `/address-groups/${group.id}`, { address_group: { description: 'x'.repeat(length) } });
  assert.deepEqual([(await describe(1024)).status, (await describe(1025)).status], [200, 400]);
  const changed = await api.send('alice', 'PUT', `/address-groups/${group.id}`, { address_group: { addresses: [] } });
  assert.deepEqual(refusal(changed), [400, 'HTTPBadRequest', 'Cannot update read-only attribute addresses']);
});

test('a rule about an address group: of one that is seen, which then stays', async () => {
  const group = await create(['10.0.0.0/8']);
  const rule = async (who: string, more: object = {}) => {
    const [own] = await api.expect(who, 'GET', '/security-groups?name=default');
    return api.send(who, 'POST', '/security-group-rules', {
      security_group_rule: {
        security_group_id: own.id,
        direction: 'ingress',
        remote_address_group_id: group.id,
        ...more,
      },
    });
  };
  const hidden = [404, 'AddressGroupNotFound', `Address group ${group.id} could not be found.`];
  assert.deepEqual(refusal(await rule('bob')), hidden);
  assert.equal(
    refusal(await rule('alice', { remote_ip_prefix: '10.0.0.0/8' }))[1],
    'SecurityGroupMultipleRemoteEntites',
  );
  const made = await rule('alice');
  assert.deepEqual([made.status, made.body.security_group_rule.remote_address_group_id], [201, group.id]);
  assert.equal(refusal(await rule('alice'))[1], 'SecurityGroupRuleExists');
  const inUse = [409, 'AddressGroupInUse', `Address group ${group.id} is in use on one or more security group rules.`];
  assert.deepEqual(refusal(await api.send('alice', 'DELETE', `/address-groups/${group.id}`)), inUse);

  const policy = await api.create('alice', '/rbac-policies', 'rbac_policy', {
    object_type: 'address_group',
    object_id: group.id,
    action: 'access_as_shared',
    target_tenant: 'p-bob',
  });
  const bobs = await rule('bob');
  assert.equal(bobs.status, 201);
  assert.equal((await act('bob', group.id, 'add_addresses', { addresses: ['12.0.0.0/8'] })).status, 403);
  const needed = await api.send('alice', 'DELETE', `/rbac-policies/${policy.id}`);
  assert.deepEqual(refusal(needed).slice(0, 2), [409, 'RbacPolicyInUse']);
  await api.send('bob', 'DELETE', `/security-group-rules/${bobs.body.security_group_rule.id}`);
  assert.equal((await api.send('alice', 'DELETE', `/rbac-policies/${policy.id}`)).status, 204);
  assert.deepEqual(refusal(await rule('bob')), hidden);
  await api.send('alice', 'DELETE', `/security-group-rules/${made.body.security_group_rule.id}`);
  assert.equal((await api.send('alice', 'DELETE', `/address-groups/${group.id}`)).status, 204);
});

test('addresses that are added at once are all there', async () => {
  const group = await create([]);
  const wanted = Array.from({ length: 12 }, (_, i) => `10.${i}.0.0/16`);
  const answers = await Promise.all(
    wanted.map((address) => act('alice', group.id, 'add_addresses', { addresses: [address] })),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual((await api.expect('alice', 'GET', `/address-groups/${group.id}`)).addresses, wanted.toSorted());
  const twice = await Promise.all(
    [1, 2, 3].map(() => act('alice', group.id, 'remove_addresses', { addresses: ['10.3.0.0/16'] })),
  );
  assert.deepEqual(twice.map(({ status }) => status).sort(), [200, 404, 404]);
});

test('the feed tells of address groups with each change, and of their end', async () => {
  const group = await create(['10.0.0.0/8']);
  await act('alice', group.id, 'add_addresses', { addresses: ['11.0.0.0/8'] });
  await api.send('alice', 'DELETE', `/address-groups/${group.id}`);
  const changes = await api.store.read((db) =>
    db.selectFrom('changes').select(['kind', 'object']).where('id', '=', group.id).orderBy('seq').execute(),
  );
  assert.deepEqual(
    changes.map(({ kind, object }) => [kind, object?.addresses, object?.revision_number]),
    [
      ['address_group', ['10.0.0.0/8'], 0],
      ['address_group', ['10.0.0.0/8', '11.0.0.0/8'], 1],
      ['address_group', undefined, undefined],
    ],
  );
});
