import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
/** Ports of Alice's. */
let ports: Record<'plain' | 'several' | 'bare' | 'ipv6' | 'lonely' | 'bound', { id: string; fixed_ips: never[] }>;
let ipv6Only: { id: string };
let bobsOnAlices: { id: string };
let bobs: { id: string };

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  const onNetwork = (id: string, values: object = {}, who = 'alice') =>
    api.create(who, '/ports', 'port', { network_id: id, ...values });
  const lonely = await api.create('alice', '/networks', 'network', {});
  await api.create('alice', '/subnets', 'subnet', { network_id: lonely.id, ip_version: 4, cidr: '10.1.0.0/24' });
  const ipv6 = await api.create('alice', '/networks', 'network', {});
  await api.create('alice', '/subnets', 'subnet', { network_id: ipv6.id, ip_version: 6, cidr: 'fd00:1::/64' });
  ipv6Only = await api.create('admin', '/networks', 'network', { 'router:external': true });
  await api.create('admin', '/subnets', 'subnet', { network_id: ipv6Only.id, ip_version: 6, cidr: 'fd00:2::/64' });
  ports = {
    plain: await onNetwork(cloud.network.id),
    several: await onNetwork(cloud.network.id, {
      fixed_ips: [{ ip_address: '192.168.2.101' }, { ip_address: '192.168.2.102' }],
    }),
    bare: await onNetwork(cloud.network.id, { fixed_ips: [] }),
    ipv6: await onNetwork(ipv6.id),
    lonely: await onNetwork(lonely.id),
    bound: await onNetwork(cloud.network.id, { fixed_ips: [{ ip_address: '192.168.2.110' }] }),
  };
  const bobsNetwork = await api.create('bob', '/networks', 'network', {});
  bobs = await onNetwork(bobsNetwork.id, {}, 'bob');
  bobsOnAlices = await onNetwork(cloud.network.id, { project_id: 'p-bob' }, 'admin');
  await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: ports.bound.id,
  });
});
after(() => api.stop());

/** What is wrong with a POST: values beside the network, status, type, message. */
const REFUSED: [string, () => object, number, string, RegExp][] = [
  [
    'no network',
    () => ({ floating_network_id: undefined }),
    400,
    'HTTPBadRequest',
    /^Failed to parse request\. Required attribute 'floating_network_id' not specified$/,
  ],
  ['an unknown network', () => ({ floating_network_id: UNKNOWN }), 404, 'NetworkNotFound', /could not be found\.$/],
  [
    'a network that is not external',
    () => ({ floating_network_id: cloud.network.id }),
    400,
    'BadRequest',
    /^Bad floatingip request: Network \S+ is not a valid external network\.$/,
  ],
  [
    'a network without IPv4',
    () => ({ floating_network_id: ipv6Only.id }),
    400,
    'BadRequest',
    /^Bad floatingip request: Network \S+ does not contain any IPv4 subnet\.$/,
  ],
  [
    'a subnet of another network',
    () => ({ subnet_id: cloud.subnet.id }),
    400,
    'InvalidInput',
    /^Invalid input for operation: Failed to create port on network \S+, because fixed_ips included invalid subnet \S+\.$/,
  ],
  [
    'an address without port',
    () => ({ fixed_ip_address: '192.168.2.79' }),
    400,
    'BadRequest',
    /fixed_ip_address cannot be specified without a port_id$/,
  ],
  ['an unknown port', () => ({ port_id: UNKNOWN }), 404, 'PortNotFound', /^Port \S+ could not be found\.$/],
  ['a port of another project', () => ({ port_id: bobs.id }), 404, 'PortNotFound', /could not be found\.$/],
  [
    'a port of another project that one sees',
    () => ({ port_id: bobsOnAlices.id }),
    400,
    'BadRequest',
    /since that port is owned by a different project/,
  ],
  [
    'an address that the port has not',
    () => ({ port_id: ports.plain.id, fixed_ip_address: '192.168.2.250' }),
    400,
    'BadRequest',
    /^Bad floatingip request: Port \S+ does not have fixed ip 192\.168\.2\.250$/,
  ],
  [
    'an IPv6 address',
    () => ({ port_id: ports.ipv6.id, fixed_ip_address: 'fd00:1::2' }),
    400,
    'BadRequest',
    /that is not an IPv4 address/,
  ],
  [
    'a port with several addresses',
    () => ({ port_id: ports.several.id }),
    400,
    'BadRequest',
    /^Bad floatingip request: Port \S+ has multiple fixed IPv4 addresses\. {2}Must provide a specific IPv4 address when assigning a floating IP$/,
  ],
  [
    'a port without an address',
    () => ({ port_id: ports.bare.id }),
    400,
    'BadRequest',
    /^Bad floatingip request: Cannot add floating IP to port \S+ that has no fixed IPv4 addresses$/,
  ],
  ['a port of IPv6 alone', () => ({ port_id: ports.ipv6.id }), 400, 'BadRequest', /has no fixed IPv4 addresses$/],
  [
    'a port behind no router',
    () => ({ port_id: ports.lonely.id }),
    404,
    'ExternalGatewayForFloatingIPNotFound',
    /^External network \S+ is not reachable from subnet \S+\. {2}Therefore, cannot associate Port \S+ with a Floating IP\.$/,
  ],
  [
    'a port that has one',
    () => ({ port_id: ports.bound.id }),
    409,
    'FloatingIPPortAlreadyAssociated',
    /^Cannot associate floating IP 10\.11\.7\.\d+ \(\S+\) with port \S+ using fixed IP 192\.168\.2\.110, as that fixed IP already has a floating IP on external network \S+\.$/,
  ],
  [
    'an address of one’s choice',
    () => ({ floating_ip_address: '10.11.7.99' }),
    403,
    'PolicyNotAuthorized',
    /disallowed/,
  ],
  ['a port id that is none', () => ({ port_id: 'x' }), 400, 'HTTPBadRequest', /'x' is not a valid UUID/],
  ['a name', () => ({ name: 'x' }), 400, 'HTTPBadRequest', /^Unrecognized attribute\(s\) 'name'$/],
  ['a status', () => ({ status: 'ACTIVE' }), 400, 'HTTPBadRequest', /^Attribute 'status' not allowed in POST$/],
  ['a QoS policy', () => ({ qos_policy_id: UNKNOWN }), 400, 'HTTPBadRequest', /QoS policies are not supported/],
  ['a bad DNS name', () => ({ dns_name: 'a b' }), 400, 'HTTPBadRequest', /not a valid PQDN or FQDN/],
];

for (const [what, values, status, type, message] of REFUSED) {
  test(`create, ${what}: ${status}, and no address is lost`, async () => {
    const addresses = () => api.expect('admin', 'GET', '/ports?device_owner=network:floatingip&fields=id');
    const before = await addresses();
    const answer = await api.send('alice', 'POST', '/floatingips', {
      floatingip: { floating_network_id: cloud.external.id, ...values() },
    });
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
    assert.deepEqual(await addresses(), before);
  });
}

/** Addresses that an admin asks for: status, type. */
const ADDRESSES: [string, () => object, number, string][] = [
  ['one outside', () => ({ floating_ip_address: '10.12.7.9' }), 400, 'InvalidIpForNetwork'],
  ['one of IPv6', () => ({ floating_ip_address: 'fd00::9' }), 400, 'InvalidIpForNetwork'],
  ['the broadcast address', () => ({ floating_ip_address: '10.11.7.255' }), 400, 'InvalidIpForSubnet'],
  [
    'a taken one',
    () => ({ floating_ip_address: cloud.floatingIp.floating_ip_address }),
    409,
    'IpAddressAlreadyAllocated',
  ],
  ['no address', () => ({ floating_ip_address: 'x' }), 400, 'HTTPBadRequest'],
];

test('an address by choice: for admins, free, of the network', async () => {
  for (const [what, values, status, type] of ADDRESSES) {
    const answer = await api.send('admin', 'POST', '/floatingips', {
      floatingip: { floating_network_id: cloud.external.id, ...values() },
    });
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type], what);
  }
  const made = await api.create('admin', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    floating_ip_address: '10.11.7.222',
    subnet_id: cloud.externalSubnet.id,
    project_id: 'p-alice',
  });
  assert.equal(made.floating_ip_address, '10.11.7.222');
  assert.equal((await api.expect('alice', 'GET', `/floatingips/${made.id}`)).tenant_id, 'p-alice');
  await api.expect('alice', 'DELETE', `/floatingips/${made.id}`);
});

test('what is shown, and the port on the external network behind it', async () => {
  const made = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    description: 'mail',
    dns_name: 'Mail',
    dns_domain: 'example.org.',
  });
  assert.deepEqual(made, {
    id: made.id,
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    created_at: made.created_at,
    updated_at: made.created_at,
    revision_number: made.revision_number,
    description: 'mail',
    floating_network_id: cloud.external.id,
    floating_ip_address: made.floating_ip_address,
    port_id: null,
    fixed_ip_address: null,
    dns_name: 'mail',
    dns_domain: 'example.org.',
    qos_policy_id: null,
    router_id: null,
    status: 'DOWN',
    port_details: null,
    port_forwardings: [],
    tags: [],
  });
  const [held] = await api.expect('admin', 'GET', `/ports?device_id=${made.id}`);
  assert.deepEqual(
    [held.device_owner, held.project_id, held.status, held.fixed_ips[0].ip_address],
    ['network:floatingip', '', 'N/A', made.floating_ip_address],
  );
  assert.deepEqual(await api.expect('alice', 'GET', `/ports?device_id=${made.id}`), []);
  const direct = await api.send('admin', 'DELETE', `/ports/${held.id}`);
  assert.deepEqual(
    [direct.status, direct.body.NeutronError.message],
    [409, `Port ${held.id} cannot be deleted directly via the port API: has device owner network:floatingip.`],
  );
  await api.expect('alice', 'DELETE', `/floatingips/${made.id}`);
  assert.deepEqual(await api.expect('admin', 'GET', `/ports?device_id=${made.id}`), []);
});

test('PUT: nothing changes nothing, null disassociates, another port takes over, attributes stand alone', async () => {
  const made = await api.create('alice', '/floatingips', 'floatingip', { floating_network_id: cloud.external.id });
  const put = (values: object) => api.send('alice', 'PUT', `/floatingips/${made.id}`, { floatingip: values });
  const shown = async (values: object) => {
    const { body, status } = await put(values);
    assert.equal(status, 200, JSON.stringify(body));
    return [body.floatingip.port_id, body.floatingip.fixed_ip_address, body.floatingip.router_id];
  };
  assert.deepEqual(await shown({}), [null, null, null]);
  assert.deepEqual(await shown({ port_id: cloud.vm1.id }), [cloud.vm1.id, '192.168.2.79', cloud.router.id]);
  assert.deepEqual(await shown({ port_id: cloud.vm1.id }), [cloud.vm1.id, '192.168.2.79', cloud.router.id]);
  assert.deepEqual(await shown({}), [cloud.vm1.id, '192.168.2.79', cloud.router.id]);
  assert.deepEqual(await shown({ description: 'x' }), [cloud.vm1.id, '192.168.2.79', cloud.router.id]);
  assert.deepEqual(await shown({ port_id: ports.several.id, fixed_ip_address: '192.168.2.102' }), [
    ports.several.id,
    '192.168.2.102',
    cloud.router.id,
  ]);
  assert.equal((await put({ fixed_ip_address: '192.168.2.101' })).status, 400);
  assert.equal((await put({ port_id: null, fixed_ip_address: '192.168.2.101' })).status, 400);
  assert.equal((await put({ floating_network_id: cloud.external.id })).status, 400);
  assert.equal((await put({ port_id: ports.lonely.id })).status, 404);
  assert.deepEqual(await shown({}), [ports.several.id, '192.168.2.102', cloud.router.id], 'a refusal changes nothing');
  assert.deepEqual(await shown({ port_id: null }), [null, null, null]);
  await api.expect('alice', 'DELETE', `/floatingips/${made.id}`);
});

test('the router whose interface has the subnet’s gateway address is preferred', async () => {
  const network = await api.create('alice', '/networks', 'network', {});
  const subnet = await api.create('alice', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.40.0.0/24',
  });
  const router = () =>
    api.create('alice', '/routers', 'router', { external_gateway_info: { network_id: cloud.external.id } });
  const [first, second] = [await router(), await router()];
  const side = await api.create('alice', '/ports', 'port', { network_id: network.id });
  await api.expect('alice', 'PUT', `/routers/${first.id}/add_router_interface`, { port_id: side.id });
  const vm = await api.create('alice', '/ports', 'port', { network_id: network.id });
  const one = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: vm.id,
  });
  assert.equal(one.router_id, first.id, 'the only one');
  await api.expect('alice', 'PUT', `/routers/${second.id}/add_router_interface`, { subnet_id: subnet.id });
  await api.expect('alice', 'PUT', `/floatingips/${one.id}`, { floatingip: { port_id: null } });
  const again = await api.expect('alice', 'PUT', `/floatingips/${one.id}`, { floatingip: { port_id: vm.id } });
  assert.equal(again.router_id, second.id, 'the one with the gateway address');
});

test('floating IP pools: the IPv4 subnets of external networks, filtered', async () => {
  const pools = await api.expect('bob', 'GET', '/floatingip_pools');
  assert.deepEqual(pools, [
    {
      subnet_id: cloud.externalSubnet.id,
      subnet_name: '',
      cidr: '10.11.7.0/24',
      network_id: cloud.external.id,
      project_id: 'p-admin',
      tenant_id: 'p-admin',
    },
  ]);
  assert.deepEqual(await api.expect('bob', 'GET', '/floatingip_pools?cidr=10.0.0.0/8'), []);
  assert.deepEqual(await api.expect('bob', 'GET', '/floatingip_pools?cidr=10.11.7.0/24&fields=cidr'), [
    { cidr: '10.11.7.0/24' },
  ]);
  assert.equal((await api.send('bob', 'GET', '/floatingip_pools?foo=1')).status, 400);
});
