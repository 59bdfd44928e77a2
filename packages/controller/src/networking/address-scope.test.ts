import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, TestApi } from '../http/test-api.ts';

let api: TestApi;

before(async () => {
  api = await TestApi.start();
});
after(() => api.stop());

const refusal = ({ status, body }: Answer) => [status, body.NeutronError?.type, body.NeutronError?.message];
const pool = (values: object = {}, who = 'alice') =>
  api.create(who, '/subnetpools', 'subnetpool', { name: 'pool', prefixes: ['10.0.0.0/16'], ...values });
const scope = (values: object = {}, who = 'alice') =>
  api.create(who, '/address-scopes', 'address_scope', { name: 'scope', ip_version: 4, ...values });
const put = (who: string, id: string, values: object, path = '') =>
  api.send(who, 'PUT', `/subnetpools/${id}${path}`, path === '' ? { subnetpool: values } : { ...values });

test('address scopes: made, listed, changed, deleted; what is refused', async () => {
  const made = await scope();
  assert.deepEqual(made, {
    id: made.id,
    name: 'scope',
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    shared: false,
    ip_version: 4,
  });
  const update = (who: string, values: object, id = made.id) =>
    api.send(who, 'PUT', `/address-scopes/${id}`, { address_scope: values });
  assert.equal((await update('alice', { name: 'new' })).body.address_scope.name, 'new');
  assert.equal((await update('alice', {})).status, 200);
  assert.equal(refusal(await update('alice', { ip_version: 6 }))[2], 'Cannot update read-only attribute ip_version');
  assert.equal(refusal(await update('alice', { shared: true }))[0], 403);
  assert.equal(refusal(await update('bob', { name: 'x' }))[2], `Address scope ${made.id} could not be found.`);
  for (const [values, status] of [
    [{ ip_version: 5 }, 400],
    [{}, 400],
    [{ ip_version: 4, shared: true }, 403],
  ] as const) {
    assert.equal((await api.send('alice', 'POST', '/address-scopes', { address_scope: values })).status, status);
  }
  const shared = await scope({ shared: true }, 'admin');
  assert.equal((await api.expect('bob', 'GET', `/address-scopes/${shared.id}`)).shared, true);
  assert.deepEqual(refusal(await update('admin', { shared: false }, shared.id)), [
    400,
    'AddressScopeUpdateError',
    `Unable to update address scope ${shared.id} : Shared address scope can't be unshared.`,
  ]);
  assert.equal((await update('admin', { shared: true })).body.address_scope.shared, true);
});

test('pools of one scope have no address twice, and are of its version', async () => {
  const [four, six] = [await scope(), await scope({ ip_version: 6 })];
  const [one, two] = [
    await pool({ prefixes: ['20.0.0.0/18', '30.0.0.0/18'], address_scope_id: four.id }),
    await pool({ prefixes: ['20.10.0.0/24'], address_scope_id: four.id }),
  ];
  const conflict = [
    409,
    'AddressScopePrefixConflict',
    'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
  ];
  const wider = { prefixes: ['20.0.0.0/12', '30.0.0.0/18'] };
  assert.deepEqual(refusal(await put('alice', one.id, wider)), conflict);
  assert.deepEqual(refusal(await put('alice', one.id, { prefixes: ['20.10.0.0/25'] }, '/add_prefixes')), conflict);
  const third = await pool({ prefixes: ['20.10.0.128/25'] });
  assert.deepEqual(refusal(await put('alice', third.id, { address_scope_id: four.id })), conflict);
  assert.deepEqual(refusal(await put('alice', third.id, { address_scope_id: six.id })), [
    400,
    'IllegalSubnetPoolIpVersionAssociationToAddressScope',
    `Illegal subnetpool association: subnetpool ${third.id} cannot associate with address scope ${six.id} because subnetpool ip_version is not 6.`,
  ]);
  const foreign = await scope({}, 'bob');
  assert.equal(refusal(await put('alice', third.id, { address_scope_id: foreign.id }))[1], 'AddressScopeNotFound');
  assert.deepEqual(refusal(await api.send('alice', 'DELETE', `/address-scopes/${four.id}`)), [
    409,
    'AddressScopeInUse',
    `Unable to complete operation on address scope ${four.id}. There are one or more subnet pools in use on the address scope.`,
  ]);
  assert.equal((await put('alice', one.id, { address_scope_id: null })).status, 200);
  assert.equal((await put('alice', one.id, wider)).status, 200);
  await api.send('alice', 'DELETE', `/subnetpools/${two.id}`);
  assert.equal((await api.send('alice', 'DELETE', `/address-scopes/${four.id}`)).status, 204);

  const common = await scope({ shared: true }, 'admin');
  assert.equal((await put('admin', third.id, { address_scope_id: common.id })).status, 200);
  assert.deepEqual(refusal(await put('alice', third.id, { prefixes: ['20.10.0.0/24'] })), [
    400,
    'IllegalSubnetPoolUpdate',
    `Illegal subnetpool update : subnetpool ${third.id} cannot be updated when associated with shared address scope ${common.id}.`,
  ]);
  assert.equal((await put('admin', third.id, { prefixes: ['20.10.0.0/24'] })).status, 200);
});

test('a pool in a scope is shared only with whom the scope is shared with', async () => {
  const made = await scope();
  const inScope = await pool({ prefixes: ['21.0.0.0/18'], address_scope_id: made.id });
  const share = (type: string, id: string) =>
    api.send('alice', 'POST', '/rbac-policies', {
      rbac_policy: { object_type: type, object_id: id, action: 'access_as_shared', target_tenant: 'p-bob' },
    });
  assert.deepEqual(refusal(await share('subnetpool', inScope.id)), [
    400,
    'RbacPolicyInitError',
    `Failed to create RBAC policy on object ${inScope.id} because target project doesn't have access to associated address scope..`,
  ]);
  assert.equal((await share('address_scope', made.id)).status, 201);
  assert.equal((await share('subnetpool', inScope.id)).status, 201);
});
