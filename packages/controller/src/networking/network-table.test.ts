import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
});
after(() => api.stop());

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';

test('a network as its project sees it, and as an admin does', async () => {
  const made = await api.create('alice', '/networks', 'network', { shared: false, 'router:external': false });
  const shown = {
    id: made.id,
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    created_at: made.created_at,
    updated_at: made.created_at,
    revision_number: made.revision_number,
    name: '',
    description: '',
    admin_state_up: true,
    shared: false,
    'router:external': false,
    is_default: false,
    mtu: 1500,
    port_security_enabled: true,
    availability_zone_hints: [],
    dns_domain: '',
    qos_policy_id: null,
    status: 'ACTIVE',
    subnets: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    l2_adjacency: true,
    tags: [],
  };
  assert.deepEqual(made, shown);
  assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(await api.expect('admin', 'GET', `/networks/${made.id}`), {
    ...shown,
    'provider:network_type': 'local',
    'provider:physical_network': null,
    'provider:segmentation_id': null,
  });
});

/** POSTs: who, values, status, type or what is shown, message. */
const POSTS: [string, object, number, string | object, RegExp?][] = [
  ['alice', { name: 'x'.repeat(255), description: 'd' }, 201, { description: 'd' }],
  ['alice', { admin_state_up: 'false' }, 201, { admin_state_up: false }],
  ['alice', { admin_state_up: 0, port_security_enabled: 'False' }, 201, { port_security_enabled: false }],
  ['alice', { admin_state_up: 'maybe' }, 400, 'InvalidInput', /'maybe' cannot be converted to boolean\.$/],
  ['alice', { admin_state_up: null }, 400, 'InvalidInput', /'None' cannot be converted to boolean\.$/],
  ['alice', { name: null }, 400, 'HTTPBadRequest', /^Invalid input for name\. Reason: 'None' is not a valid string\.$/],
  ['alice', { mtu: 1400 }, 201, { mtu: 1400 }],
  ['alice', { mtu: 68 }, 201, { mtu: 68 }],
  ['alice', { mtu: 67 }, 400, 'HTTPBadRequest', /'67' is too small - must be at least '68'\.$/],
  ['alice', { mtu: 9001 }, 400, 'InvalidInput', /Requested MTU is too big, maximum is 9000\.$/],
  ['alice', { mtu: 'x' }, 400, 'HTTPBadRequest', /'x' is not an integer/],
  ['alice', { qos_policy_id: null }, 201, { qos_policy_id: null }],
  ['alice', { qos_policy_id: UNKNOWN }, 400, 'HTTPBadRequest', /QoS policies are not supported/],
  ['alice', { dns_domain: 'Example.org.' }, 201, { dns_domain: 'example.org.' }],
  ['alice', { dns_domain: 'a..b' }, 400, 'HTTPBadRequest', /not a valid PQDN or FQDN/],
  ['alice', { shared: true }, 403, 'PolicyNotAuthorized', /^\(rule:create_network and rule:create_network:shared\)/],
  ['alice', { 'router:external': true }, 403, 'PolicyNotAuthorized', /create_network:router:external\)/],
  ['alice', { is_default: true }, 403, 'PolicyNotAuthorized', /create_network:is_default\)/],
  ['alice', { 'provider:network_type': 'flat' }, 403, 'PolicyNotAuthorized', /provider:network_type/],
  ['alice', { 'provider:physical_network': 'public' }, 403, 'PolicyNotAuthorized', /provider:physical_network/],
  ['alice', { 'provider:segmentation_id': 5 }, 403, 'PolicyNotAuthorized', /provider:segmentation_id/],
  ['alice', { shared: 'zz' }, 400, 'InvalidInput', /'zz' cannot be converted to boolean/],
  ['alice', { foo: 1, bar: 2 }, 400, 'HTTPBadRequest', /^Unrecognized attribute\(s\) 'bar, foo'$/],
  ['alice', { id: UNKNOWN }, 400, 'HTTPBadRequest', /^Attribute 'id' not allowed in POST$/],
  ['alice', { status: 'ACTIVE' }, 400, 'HTTPBadRequest', /^Attribute 'status' not allowed in POST$/],
  ['alice', { subnets: [] }, 400, 'HTTPBadRequest', /^Attribute 'subnets' not allowed in POST$/],
  ['alice', { tags: ['a'] }, 400, 'HTTPBadRequest', /^Attribute 'tags' not allowed in POST$/],
  ['alice', { agent_host: 'h' }, 400, 'HTTPBadRequest', /^Unrecognized attribute/],
  ['alice', { project_id: 'p-alice', tenant_id: 'p-alice' }, 201, { tenant_id: 'p-alice' }],
  ['alice', { project_id: 'a', tenant_id: 'b' }, 400, 'HTTPBadRequest', /^'project_id' and 'tenant_id' do not match$/],
  ['alice', { tenant_id: 'p-bob' }, 400, 'HTTPBadRequest', /requires admin or advsvc privileges$/],
  ['admin', { tenant_id: 'p-bob' }, 201, { project_id: 'p-bob' }],
  ['reader', { name: 'x' }, 403, 'PolicyNotAuthorized', /^rule:create_network is disallowed by policy$/],
  ['admin', { 'provider:network_type': 'vlan' }, 400, 'HTTPBadRequest', /vlan is not in valid_values/],
  ['admin', { 'provider:network_type': 'flat' }, 400, 'InvalidInput', /physical_network required for flat/],
  ['admin', { 'provider:physical_network': 'other' }, 201, { 'provider:network_type': 'flat' }],
  ['admin', { 'provider:physical_network': 'public' }, 409, 'FlatNetworkInUse', /Physical network public is in use\.$/],
  ['admin', { 'provider:segmentation_id': 7 }, 400, 'InvalidInput', /segmentation_id specified for local network/],
];

for (const [who, values, status, expected, message] of POSTS) {
  test(`POST ${JSON.stringify(values).slice(0, 80)} by ${who}: ${status}`, async () => {
    const answer = await api.send(who, 'POST', '/networks', { network: values });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    if (typeof expected === 'string') {
      assert.equal(answer.body.NeutronError.type, expected);
      assert.match(answer.body.NeutronError.message, message as RegExp);
    } else {
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(answer.body.network[key], value, key);
      await api.expect('admin', 'DELETE', `/networks/${answer.body.network.id}`);
    }
  });
}

/** PUTs of a network of Alice's: who, values, status, type or what is shown, message. */
const PUTS: [string, object, number, string | object, RegExp?][] = [
  ['alice', {}, 200, {}],
  ['alice', { name: 'n', description: 'd', admin_state_up: false, mtu: 1280 }, 200, { mtu: 1280 }],
  ['alice', { port_security_enabled: false }, 200, { port_security_enabled: false }],
  ['alice', { shared: true }, 403, 'PolicyNotAuthorized', /^\(rule:update_network and rule:update_network:shared\)/],
  ['alice', { tenant_id: 'p-bob' }, 400, 'HTTPBadRequest', /requires admin or advsvc privileges$/],
  ['alice', { tenant_id: 'p-alice' }, 400, 'HTTPBadRequest', /^Cannot update read-only attribute project_id$/],
  ['alice', { id: 'x' }, 400, 'HTTPBadRequest', /^Cannot update read-only attribute id$/],
  ['alice', { status: 'x' }, 400, 'HTTPBadRequest', /^Cannot update read-only attribute status$/],
  ['alice', { availability_zone_hints: [] }, 400, 'HTTPBadRequest', /read-only attribute availability_zone_hints$/],
  ['alice', { foo: 1 }, 400, 'HTTPBadRequest', /^Unrecognized attribute\(s\) 'foo'$/],
  ['alice', { mtu: 9001 }, 400, 'InvalidInput', /Requested MTU is too big/],
  ['reader', { name: 'x' }, 403, 'PolicyNotAuthorized', /^rule:update_network is disallowed by policy$/],
  ['bob', { name: 'x' }, 404, 'NetworkNotFound', /could not be found\.$/],
  ['admin', { name: 'by an admin' }, 200, { name: 'by an admin' }],
  ['admin', { shared: true, 'router:external': true }, 200, { shared: true, 'router:external': true }],
  ['admin', { is_default: true }, 200, { is_default: false }],
  ['admin', { 'provider:network_type': 'local' }, 200, {}],
  ['admin', { 'provider:physical_network': 'x' }, 400, 'InvalidInput', /does not support updating provider attributes/],
];

for (const [who, values, status, expected, message] of PUTS) {
  test(`PUT ${JSON.stringify(values).slice(0, 80)} by ${who}: ${status}`, async () => {
    const made = await api.create('alice', '/networks', 'network', {});
    const answer = await api.send(who, 'PUT', `/networks/${made.id}`, { network: values });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    if (typeof expected === 'string') {
      assert.equal(answer.body.NeutronError.type, expected);
      assert.match(answer.body.NeutronError.message, message as RegExp);
      assert.deepEqual(await api.expect('alice', 'GET', `/networks/${made.id}`), made);
    } else {
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(answer.body.network[key], value, key);
    }
    await api.expect('admin', 'DELETE', `/networks/${made.id}`);
  });
}

test('one external network is the default', async () => {
  const make = (values: object) =>
    api.send('admin', 'POST', '/networks', { network: { 'router:external': true, ...values } });
  const first = (await make({ is_default: true })).body.network;
  assert.equal(first.is_default, true);
  const second = await make({ is_default: true });
  assert.deepEqual(
    [second.status, second.body.NeutronError.type, second.body.NeutronError.message],
    [409, 'DefaultExternalNetworkExists', `A default external network already exists: ${first.id}.`],
  );
  const other = (await make({})).body.network;
  const put = (id: string, values: object) => api.send('admin', 'PUT', `/networks/${id}`, { network: values });
  assert.equal((await put(other.id, { is_default: true })).status, 409);
  assert.equal((await put(first.id, { is_default: true })).status, 200, 'it is already');
  assert.equal((await put(first.id, { 'router:external': false })).body.network.is_default, false);
  assert.equal((await put(other.id, { is_default: true })).body.network.is_default, true);
  for (const { id } of [first, other]) await api.expect('admin', 'DELETE', `/networks/${id}`);
});

test('external stays while gateways or floating IPs are there; shared stays while others have ports', async () => {
  const answer = await api.send('admin', 'PUT', `/networks/${cloud.external.id}`, {
    network: { 'router:external': false },
  });
  assert.deepEqual(
    [answer.status, answer.body.NeutronError.type, answer.body.NeutronError.message],
    [
      409,
      'ExternalNetworkInUse',
      'External network ext-net cannot be updated to be made non-external, since it has existing gateway ports.',
    ],
  );
});

test('DELETE: refused while ports are there, and names them; subnets and idle floating IPs go along', async () => {
  const refused = await api.send('alice', 'DELETE', `/networks/${cloud.network.id}`);
  assert.deepEqual([refused.status, refused.body.NeutronError.type], [409, 'NetworkInUse']);
  assert.match(
    refused.body.NeutronError.message,
    /^Unable to complete operation on network \S+\. There are one or more ports still in use on the network, id for these ports is: [0-9a-f,-]+\.$/,
  );
  assert.ok(refused.body.NeutronError.message.includes(cloud.vm1.id));
  const external = await api.create('admin', '/networks', 'network', { 'router:external': true });
  const subnet = await api.create('admin', '/subnets', 'subnet', {
    network_id: external.id,
    ip_version: 4,
    cidr: '10.60.0.0/24',
  });
  const idle = await api.create('bob', '/floatingips', 'floatingip', { floating_network_id: external.id });
  assert.equal((await api.send('admin', 'DELETE', `/networks/${external.id}`)).status, 204);
  assert.equal((await api.send('bob', 'GET', `/floatingips/${idle.id}`)).status, 404);
  assert.equal((await api.send('admin', 'GET', `/subnets/${subnet.id}`)).status, 404);
  assert.deepEqual(await api.expect('admin', 'GET', `/ports?network_id=${external.id}`), []);
});

test('external and shared networks are visible to all, their subnets only where they are shared', async () => {
  const shared = await api.create('admin', '/networks', 'network', { shared: true });
  const subnet = await api.create('admin', '/subnets', 'subnet', {
    network_id: shared.id,
    ip_version: 4,
    cidr: '10.61.0.0/24',
  });
  const seen = (await api.expect('bob', 'GET', '/networks?fields=id')).map((item: { id: string }) => item.id);
  assert.ok(seen.includes(shared.id) && seen.includes(cloud.external.id) && !seen.includes(cloud.network.id));
  assert.equal((await api.send('bob', 'GET', `/subnets/${subnet.id}`)).status, 200);
  assert.deepEqual(await api.expect('bob', 'GET', `/subnets?network_id=${cloud.external.id}`), []);
  assert.deepEqual((await api.expect('bob', 'GET', `/networks/${cloud.external.id}`)).subnets, [
    cloud.externalSubnet.id,
  ]);
  assert.equal((await api.send('bob', 'GET', `/subnets/${cloud.externalSubnet.id}`)).status, 404);
  for (const path of [`/networks/${shared.id}`, `/networks/${cloud.external.id}`]) {
    const answer = await api.send('bob', 'DELETE', path);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [403, 'PolicyNotAuthorized']);
  }
  await api.expect('admin', 'DELETE', `/networks/${shared.id}`);
});

test('the first network of a project brings its default security group', async () => {
  const count = async () =>
    (await api.expect('admin', 'GET', '/security-groups?project_id=p-fresh&name=default')).length;
  assert.equal(await count(), 0);
  await api.create('admin', '/networks', 'network', { project_id: 'p-fresh' });
  assert.equal(await count(), 1);
});
