import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestApi } from '../http/test-api.ts';

let api: TestApi;
let network: { id: string };

before(async () => {
  api = await TestApi.start();
  network = await api.create('alice', '/networks', 'network', {});
});
after(() => api.stop());

const pool = (start: string, end: string) => ({ start, end });
const post = (values: object) =>
  api.send('alice', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24', ...values },
  });

/** What is taken, and what is then shown. */
const TAKEN: [string, object, object][] = [
  [
    'defaults',
    {},
    {
      name: '',
      description: '',
      gateway_ip: '10.0.0.1',
      allocation_pools: [pool('10.0.0.2', '10.0.0.254')],
      enable_dhcp: true,
      dns_nameservers: [],
      host_routes: [],
      ipv6_ra_mode: null,
      ipv6_address_mode: null,
      subnetpool_id: null,
      service_types: [],
      tags: [],
      project_id: 'p-alice',
      tenant_id: 'p-alice',
    },
  ],
  ['host bits', { cidr: '10.1.0.5/24' }, { cidr: '10.1.0.0/24', gateway_ip: '10.1.0.1' }],
  ['the version as text', { ip_version: '4' }, { ip_version: 4 }],
  ['no gateway', { gateway_ip: null }, { gateway_ip: null, allocation_pools: [pool('10.0.0.1', '10.0.0.254')] }],
  [
    'a gateway in the middle',
    { gateway_ip: '10.0.0.100' },
    { allocation_pools: [pool('10.0.0.1', '10.0.0.99'), pool('10.0.0.101', '10.0.0.254')] },
  ],
  ['a gateway at the end', { gateway_ip: '10.0.0.254' }, { allocation_pools: [pool('10.0.0.1', '10.0.0.253')] }],
  ['a gateway outside', { gateway_ip: '10.9.9.9' }, { allocation_pools: [pool('10.0.0.1', '10.0.0.254')] }],
  [
    'pools of one’s own',
    { allocation_pools: [pool('10.0.0.20', '10.0.0.29'), pool('10.0.0.10', '10.0.0.19')] },
    { allocation_pools: [pool('10.0.0.20', '10.0.0.29'), pool('10.0.0.10', '10.0.0.19')] },
  ],
  ['a pair without DHCP', { cidr: '10.0.0.0/31', enable_dhcp: false, gateway_ip: null }, { cidr: '10.0.0.0/31' }],
  ['a host without DHCP', { cidr: '10.0.0.9/32', enable_dhcp: false, gateway_ip: null }, { cidr: '10.0.0.9/32' }],
  [
    'name servers of both families',
    { dns_nameservers: ['8.8.8.8', 'FD00::1'] },
    { dns_nameservers: ['8.8.8.8', 'fd00::1'] },
  ],
  ['lists that are null', { dns_nameservers: null, host_routes: null }, { dns_nameservers: [], host_routes: [] }],
  [
    'host routes',
    { host_routes: [{ destination: '10.9.0.1/16', nexthop: '10.0.0.7' }] },
    { host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.7' }] },
  ],
  [
    'IPv6',
    { ip_version: 6, cidr: 'FD00:0::/64' },
    { cidr: 'fd00::/64', gateway_ip: 'fd00::1', allocation_pools: [pool('fd00::2', 'fd00::ffff:ffff:ffff:ffff')] },
  ],
  [
    'IPv6 modes',
    { ip_version: 6, cidr: 'fd00::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' },
    { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' },
  ],
  [
    'a stateful one of any length',
    { ip_version: 6, cidr: 'fd00::/80', ipv6_address_mode: 'dhcpv6-stateful' },
    { ipv6_address_mode: 'dhcpv6-stateful', ipv6_ra_mode: null },
  ],
];

for (const [what, values, shown] of TAKEN) {
  test(`taken: ${what}`, async () => {
    const { status, body } = await post(values);
    assert.equal(status, 201, JSON.stringify(body));
    for (const [key, value] of Object.entries(shown)) assert.deepEqual(body.subnet[key], value, key);
    assert.deepEqual(await api.expect('alice', 'GET', `/subnets/${body.subnet.id}`), body.subnet);
    assert.ok(!('segment_id' in body.subnet), 'for admins only');
    assert.equal((await api.send('alice', 'DELETE', `/subnets/${body.subnet.id}`)).status, 204);
  });
}

const V6 = { ip_version: 6, cidr: 'fd00::/64' };
/** What is refused: values, status, type, message. */
const REFUSED: [string, object, number, string, RegExp][] = [
  ['no network', { network_id: undefined }, 400, 'HTTPBadRequest', /Required attribute 'network_id' not specified$/],
  [
    'an unknown network',
    { network_id: '9b68c54c-2d19-4ad4-a2a1-30574c83647c' },
    404,
    'NetworkNotFound',
    /could not be found\.$/,
  ],
  ['no version', { ip_version: undefined }, 400, 'HTTPBadRequest', /Required attribute 'ip_version' not specified$/],
  [
    'version 5',
    { ip_version: 5 },
    400,
    'HTTPBadRequest',
    /^Invalid input for ip_version\. Reason: 5 is not in valid_values\.$/,
  ],
  ['a version that is none', { ip_version: 'x' }, 400, 'InvalidInput', /'x' is not an integer\.$/],
  [
    'no block',
    { cidr: undefined },
    400,
    'BadRequest',
    /^Bad subnets request: a subnetpool must be specified in the absence of a cidr\.$/,
  ],
  [
    'a block that is none',
    { cidr: 'bad' },
    400,
    'InvalidInput',
    /^Invalid input for operation: bad is not in a CIDR format\.$/,
  ],
  ['an address for a block', { cidr: '10.0.0.1' }, 400, 'InvalidInput', /is not in a CIDR format/],
  ['everything', { cidr: '0.0.0.0/0' }, 400, 'InvalidInput', /0 is not allowed as CIDR prefix length/],
  [
    'the other family',
    { cidr: 'fd00::/64' },
    400,
    'InvalidInput',
    /cidr 'fd00::\/64' does not match the ip_version '4'\.$/,
  ],
  [
    'a pair with DHCP',
    { cidr: '10.0.0.0/31' },
    400,
    'InvalidInput',
    /Subnet has a prefix length that is incompatible with DHCP service enabled\.$/,
  ],
  ['multicast with DHCP', { cidr: '224.0.0.0/24' }, 400, 'InvalidInput', /Multicast/],
  ['loopback with DHCP', { cidr: '127.0.0.0/24' }, 400, 'InvalidInput', /Loopback/],
  [
    'a gateway that is the network',
    { gateway_ip: '10.0.0.0' },
    400,
    'InvalidInput',
    /Gateway is not valid on subnet\.$/,
  ],
  [
    'a gateway that is the broadcast',
    { gateway_ip: '10.0.0.255' },
    400,
    'InvalidInput',
    /Gateway is not valid on subnet/,
  ],
  [
    'a gateway of the other family',
    { gateway_ip: 'fd00::1' },
    400,
    'InvalidInput',
    /gateway_ip 'fd00::1' does not match/,
  ],
  ['a gateway that is none', { gateway_ip: 'x' }, 400, 'HTTPBadRequest', /'x' is not a valid IP address/],
  [
    'a gateway inside a pool',
    { gateway_ip: '10.0.0.5', allocation_pools: [pool('10.0.0.2', '10.0.0.9')] },
    409,
    'GatewayConflictWithAllocationPools',
    /^Gateway ip 10\.0\.0\.5 conflicts with allocation pool 10\.0\.0\.2-10\.0\.0\.9\.$/,
  ],
  [
    'a pool outside',
    { allocation_pools: [pool('10.0.0.2', '10.0.1.9')] },
    400,
    'OutOfBoundsAllocationPool',
    /spans beyond the subnet cidr 10\.0\.0\.0\/24/,
  ],
  [
    'a pool with the broadcast',
    { allocation_pools: [pool('10.0.0.2', '10.0.0.255')] },
    400,
    'OutOfBoundsAllocationPool',
    /./,
  ],
  [
    'a pool reversed',
    { allocation_pools: [pool('10.0.0.9', '10.0.0.2')] },
    400,
    'InvalidAllocationPool',
    /is not valid/,
  ],
  ['a pool of the other family', { allocation_pools: [pool('fd00::1', 'fd00::2')] }, 400, 'InvalidAllocationPool', /./],
  [
    'pools that overlap',
    { allocation_pools: [pool('10.0.0.2', '10.0.0.9'), pool('10.0.0.9', '10.0.0.12')] },
    409,
    'OverlappingAllocationPools',
    /^Found overlapping allocation pools/,
  ],
  ['pools null', { allocation_pools: null }, 400, 'HTTPBadRequest', /Invalid data format for IP pool: 'None'/],
  [
    'half a pool',
    { allocation_pools: [{ start: '10.0.0.2' }] },
    400,
    'HTTPBadRequest',
    /Validation of dictionary's keys failed\. Expected keys: \{'start', 'end'\} Provided keys: \{'start'\}\.$/,
  ],
  [
    'six name servers',
    { dns_nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5', '1.1.1.6'] },
    400,
    'DNSNameServersExhausted',
    /exceeds the limit 5/,
  ],
  [
    'a name server twice',
    { dns_nameservers: ['8.8.8.8', '8.8.8.8'] },
    400,
    'HTTPBadRequest',
    /Duplicate nameserver '8\.8\.8\.8'/,
  ],
  ['a name server that is none', { dns_nameservers: ['x'] }, 400, 'HTTPBadRequest', /'x' is not a valid IP address/],
  [
    'twenty-one host routes',
    { host_routes: Array.from({ length: 21 }, (_, i) => ({ destination: `10.${i + 1}.0.0/16`, nexthop: '10.0.0.7' })) },
    400,
    'HostRoutesExhausted',
    /exceeds the limit 20/,
  ],
  [
    'a host route twice',
    { host_routes: [1, 2].map(() => ({ destination: '10.9.0.0/16', nexthop: '10.0.0.7' })) },
    400,
    'HTTPBadRequest',
    /Duplicate hostroute/,
  ],
  [
    'a host route of the other family',
    { host_routes: [{ destination: 'fd00::/64', nexthop: '10.0.0.7' }] },
    400,
    'InvalidInput',
    /destination 'fd00::\/64' does not match the ip_version '4'/,
  ],
  ['half a host route', { host_routes: [{ destination: '10.9.0.0/16' }] }, 400, 'HTTPBadRequest', /Expected keys/],
  [
    'an IPv6 mode for IPv4',
    { ipv6_ra_mode: 'slaac' },
    400,
    'InvalidInput',
    /ipv6_ra_mode is not valid when ip_version is 4\.$/,
  ],
  [
    'an IPv6 address mode for IPv4',
    { ipv6_address_mode: 'slaac' },
    400,
    'InvalidInput',
    /ipv6_address_mode is not valid when ip_version is 4/,
  ],
  ['an IPv6 mode that is none', { ...V6, ipv6_ra_mode: 'x' }, 400, 'HTTPBadRequest', /x is not in valid_values/],
  [
    'IPv6 modes that differ',
    { ...V6, ipv6_ra_mode: 'slaac', ipv6_address_mode: 'dhcpv6-stateless' },
    400,
    'InvalidInput',
    /If both attributes are set, they must be the same value/,
  ],
  [
    'IPv6 modes without DHCP',
    { ...V6, ipv6_ra_mode: 'slaac', enable_dhcp: false },
    400,
    'InvalidInput',
    /cannot be set when enable_dhcp is set to False/,
  ],
  [
    'SLAAC on a /80',
    { ...V6, cidr: 'fd00::/80', ipv6_address_mode: 'slaac' },
    400,
    'InvalidInput',
    /requires the prefix to be \/64/,
  ],
  [
    'a segment',
    { segment_id: '9b68c54c-2d19-4ad4-a2a1-30574c83647c' },
    400,
    'HTTPBadRequest',
    /Segments are not supported/,
  ],
  ['tags', { tags: ['a'] }, 400, 'HTTPBadRequest', /^Attribute 'tags' not allowed in POST$/],
];

for (const [what, values, status, type, message] of REFUSED) {
  test(`refused: ${what}: ${status} ${type}`, async () => {
    const answer = await post(values);
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
    assert.deepEqual((await api.expect('alice', 'GET', `/networks/${network.id}`)).subnets, []);
  });
}

/** PUTs of 10.0.0.0/24: values, status, type (or what is shown), a part of the message. */
const PUTS: [string, object, number, string | object, RegExp?][] = [
  ['a gateway', { gateway_ip: '10.0.0.254' }, 409, 'GatewayConflictWithAllocationPools'],
  [
    'a gateway and pools',
    { gateway_ip: '10.0.0.254', allocation_pools: [pool('10.0.0.10', '10.0.0.20')] },
    200,
    { gateway_ip: '10.0.0.254', allocation_pools: [pool('10.0.0.10', '10.0.0.20')] },
  ],
  ['no gateway', { gateway_ip: null }, 200, { gateway_ip: null }],
  ['a gateway that is the broadcast', { gateway_ip: '10.0.0.255' }, 400, 'InvalidInput'],
  [
    'pools with the gateway',
    { allocation_pools: [pool('10.0.0.1', '10.0.0.9')] },
    409,
    'GatewayConflictWithAllocationPools',
  ],
  ['no DHCP', { enable_dhcp: false }, 200, { enable_dhcp: false }],
  ['name servers', { dns_nameservers: ['9.9.9.9'] }, 200, { dns_nameservers: ['9.9.9.9'] }],
  ['host routes', { host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.7' }] }, 200, {}],
  ['names', { name: 'n', description: 'd' }, 200, { name: 'n', description: 'd' }],
  ['another block', { cidr: '10.1.0.0/24' }, 400, 'HTTPBadRequest', /^Cannot update read-only attribute cidr$/],
  ['another version', { ip_version: 6 }, 400, 'HTTPBadRequest', /read-only attribute ip_version$/],
  ['another network', { network_id: 'x' }, 400, 'HTTPBadRequest', /read-only attribute network_id$/],
  ['an IPv6 mode', { ipv6_ra_mode: 'slaac' }, 400, 'HTTPBadRequest', /read-only attribute ipv6_ra_mode$/],
  ['tags', { tags: [] }, 400, 'HTTPBadRequest', /read-only attribute tags$/],
];

for (const [what, values, status, expected, message] of PUTS) {
  test(`PUT of ${what}: ${status}`, async () => {
    const { body: made } = await post({});
    const path = `/subnets/${made.subnet.id}`;
    const answer = await api.send('alice', 'PUT', path, { subnet: values });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    if (typeof expected === 'string') {
      assert.equal(answer.body.NeutronError.type, expected);
      if (message !== undefined) assert.match(answer.body.NeutronError.message, message);
      assert.deepEqual(await api.expect('alice', 'GET', path), made.subnet);
    } else {
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(answer.body.subnet[key], value, key);
      assert.ok(answer.body.subnet.revision_number > made.subnet.revision_number);
    }
    await api.expect('alice', 'DELETE', path);
  });
}

test('DHCP of SLAAC subnets stays on, and comes on only where it can serve', async () => {
  const slaac = (await post({ ...V6, ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' })).body.subnet;
  const off = await api.send('alice', 'PUT', `/subnets/${slaac.id}`, { subnet: { enable_dhcp: false } });
  assert.deepEqual([off.status, off.body.NeutronError.type], [400, 'InvalidInput']);
  const pair = (await post({ cidr: '10.5.0.0/31', enable_dhcp: false, gateway_ip: null })).body.subnet;
  const on = await api.send('alice', 'PUT', `/subnets/${pair.id}`, { subnet: { enable_dhcp: true } });
  assert.deepEqual([on.status, on.body.NeutronError.type], [400, 'InvalidInput']);
  for (const { id } of [slaac, pair]) await api.expect('alice', 'DELETE', `/subnets/${id}`);
});

test('a subnet makes its network’s revision grow, overlaps with none there, and stays while ports use it', async () => {
  const revision = async () => (await api.expect('alice', 'GET', `/networks/${network.id}`)).revision_number;
  const before = await revision();
  const { subnet } = (await post({})).body;
  const between = await revision();
  assert.ok(between > before);
  const overlap = await post({ cidr: '10.0.0.128/25' });
  assert.match(
    overlap.body.NeutronError.message,
    /^Invalid input for operation: Requested subnet with cidr: 10\.0\.0\.128\/25 for network: \S+ overlaps with another subnet\.$/,
  );
  const port = await api.create('alice', '/ports', 'port', { network_id: network.id });
  const used = await api.send('alice', 'DELETE', `/subnets/${subnet.id}`);
  assert.deepEqual(
    [used.status, used.body.NeutronError.type, used.body.NeutronError.message],
    [
      409,
      'SubnetInUse',
      `Unable to complete operation on subnet ${subnet.id}: One or more ports have an IP allocation from this subnet.`,
    ],
  );
  const router = await api.create('alice', '/routers', 'router', {});
  const added = await api.expect('alice', 'PUT', `/routers/${router.id}/add_router_interface`, {
    subnet_id: subnet.id,
  });
  assert.ok(added);
  const gateway = await api.send('alice', 'PUT', `/subnets/${subnet.id}`, { subnet: { gateway_ip: null } });
  assert.deepEqual([gateway.status, gateway.body.NeutronError.type], [409, 'GatewayIpInUse']);
  assert.match(
    gateway.body.NeutronError.message,
    /^Current gateway ip 10\.0\.0\.1 already in use by port \S+\. Unable to update\.$/,
  );
  await api.expect('alice', 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id });
  await api.expect('alice', 'DELETE', `/ports/${port.id}`);
  await api.expect('alice', 'DELETE', `/subnets/${subnet.id}`);
  assert.ok((await revision()) > between);
});
