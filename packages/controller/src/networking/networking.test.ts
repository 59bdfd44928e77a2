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

/** Requests that are refused: who, method, path, body, status, type, a part of the message. */
type Refusal = [string, string, string | (() => string), (() => object) | undefined, number, string, RegExp];

const REFUSALS: Refusal[] = [
  ['alice', 'GET', '/networks/nope', undefined, 404, 'NetworkNotFound', /^Network nope could not be found\.$/],
  ['alice', 'GET', '/nothing', undefined, 404, 'HTTPNotFound', /^The resource could not be found\.$/],
  ['alice', 'DELETE', '/networks', undefined, 404, 'NetworkNotFound', /^Network None could not be found\.$/],
  ['alice', 'PATCH', '/networks', () => ({}), 405, 'HTTPMethodNotAllowed', /malformed or otherwise incorrect/],
  ['alice', 'POST', '/networks', () => ({}), 400, 'HTTPBadRequest', /^Resource body required$/],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ net: {} }),
    400,
    'HTTPBadRequest',
    /^Unable to find 'network' in request body$/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: 7 }),
    400,
    'HTTPBadRequest',
    /^Object 'network' contains invalid data$/,
  ],
  ['alice', 'POST', '/networks', () => ({ networks: [] }), 400, 'HTTPBadRequest', /^Resources required$/],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { name: 5 } }),
    400,
    'HTTPBadRequest',
    /Reason: '5' is not a valid string\.$/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { name: 'x'.repeat(256) } }),
    400,
    'HTTPBadRequest',
    /exceeds maximum length of 255/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { admin_state_up: 'maybe' } }),
    400,
    'InvalidInput',
    /^Invalid input for operation: 'maybe' cannot be converted to boolean\.$/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { shared: true } }),
    403,
    'PolicyNotAuthorized',
    /^\(rule:create_network and rule:create_network:shared\) is disallowed by policy$/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { project_id: 'p-bob' } }),
    400,
    'HTTPBadRequest',
    /requires admin or advsvc/,
  ],
  [
    'alice',
    'POST',
    '/networks',
    () => ({ network: { project_id: 'a', tenant_id: 'b' } }),
    400,
    'HTTPBadRequest',
    /^'project_id' and 'tenant_id' do not match$/,
  ],
  [
    'reader',
    'POST',
    '/networks',
    () => ({ network: {} }),
    403,
    'PolicyNotAuthorized',
    /^rule:create_network is disallowed by policy$/,
  ],
  ['bob', 'DELETE', () => `/networks/${cloud.network.id}`, undefined, 404, 'NetworkNotFound', /could not be found/],
  ['bob', 'DELETE', () => `/networks/${cloud.external.id}`, undefined, 403, 'PolicyNotAuthorized', /delete_network/],
  [
    'alice',
    'DELETE',
    () => `/networks/${cloud.network.id}`,
    undefined,
    409,
    'NetworkInUse',
    /one or more ports still in use/,
  ],
  [
    'alice',
    'GET',
    '/networks?foo=1&bar=2',
    undefined,
    400,
    'HTTPBadRequest',
    /^\['bar', 'foo'\] is invalid attribute for filtering$/,
  ],
  [
    'alice',
    'GET',
    '/networks?sort_key=name',
    undefined,
    400,
    'HTTPBadRequest',
    /^The number of sort_keys and sort_dirs must be same$/,
  ],
  [
    'alice',
    'GET',
    '/networks?sort_key=zz&sort_dir=asc',
    undefined,
    400,
    'HTTPBadRequest',
    /^\['zz'\] is invalid attribute for sort_keys$/,
  ],
  [
    'alice',
    'GET',
    '/networks?sort_key=name&sort_dir=foo',
    undefined,
    400,
    'HTTPBadRequest',
    /^\['foo'\] is invalid value for sort_dirs/,
  ],
  ['alice', 'GET', '/networks?limit=-1', undefined, 400, 'BadRequest', /not '-1'/],
  ['alice', 'GET', '/networks?limit=1&marker=nope', undefined, 404, 'NetworkNotFound', /nope/],
  ['alice', 'GET', '/networks?shared=zz', undefined, 400, 'InvalidInput', /'zz' cannot be converted to boolean/],
  ['alice', 'GET', '/networks?changed_since=yesterday', undefined, 400, 'InvalidInput', /changed_since/],

  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 5, cidr: '10.0.0.0/24' } }),
    400,
    'HTTPBadRequest',
    /5 is not in valid_values/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: 'bad' } }),
    400,
    'InvalidInput',
    /bad is not in a CIDR format/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: 'fd00::/64' } }),
    400,
    'InvalidInput',
    /does not match the ip_version '4'/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4 } }),
    400,
    'BadRequest',
    /a subnetpool must be specified in the absence of a cidr/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: '192.168.2.128/25' } }),
    400,
    'InvalidInput',
    /overlaps with another subnet/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: '10.0.0.0/31' } }),
    400,
    'InvalidInput',
    /incompatible with DHCP/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.network.id, ip_version: 4, cidr: '10.0.0.0/24', gateway_ip: '10.0.0.255' } }),
    400,
    'InvalidInput',
    /Gateway is not valid on subnet/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({
      subnet: {
        network_id: cloud.network.id,
        ip_version: 4,
        cidr: '10.0.0.0/24',
        allocation_pools: [{ start: '10.0.0.1', end: '10.0.0.9' }],
      },
    }),
    409,
    'GatewayConflictWithAllocationPools',
    /10\.0\.0\.1/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({
      subnet: {
        network_id: cloud.network.id,
        ip_version: 4,
        cidr: '10.0.0.0/24',
        allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.5' }],
      },
    }),
    400,
    'InvalidAllocationPool',
    /10\.0\.0\.9/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({
      subnet: {
        network_id: cloud.network.id,
        ip_version: 4,
        cidr: '10.0.0.0/24',
        allocation_pools: [{ start: '10.0.0.9', end: '10.0.1.5' }],
      },
    }),
    400,
    'OutOfBoundsAllocationPool',
    /10\.0\.1\.5/,
  ],
  [
    'alice',
    'POST',
    '/subnets',
    () => ({
      subnet: {
        network_id: cloud.network.id,
        ip_version: 4,
        cidr: '10.0.0.0/24',
        allocation_pools: [{ start: '10.0.0.9' }],
      },
    }),
    400,
    'HTTPBadRequest',
    /Expected keys: \{'start', 'end'\} Provided keys: \{'start'\}/,
  ],
  [
    'bob',
    'POST',
    '/subnets',
    () => ({ subnet: { network_id: cloud.external.id, ip_version: 4, cidr: '10.0.0.0/24' } }),
    403,
    'HTTPForbidden',
    /^Tenant p-bob not allowed to create subnet on this network$/,
  ],
  [
    'alice',
    'PUT',
    () => `/subnets/${cloud.subnet.id}`,
    () => ({ subnet: { cidr: '10.0.0.0/24' } }),
    400,
    'HTTPBadRequest',
    /^Cannot update read-only attribute cidr$/,
  ],
  [
    'alice',
    'PUT',
    () => `/subnets/${cloud.subnet.id}`,
    () => ({ subnet: { gateway_ip: '192.168.2.254' } }),
    409,
    'GatewayIpInUse',
    /192\.168\.2\.1 already in use/,
  ],
  ['alice', 'DELETE', () => `/subnets/${cloud.subnet.id}`, undefined, 409, 'SubnetInUse', /have an IP allocation/],

  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: {} }),
    400,
    'HTTPBadRequest',
    /Required attribute 'network_id' not specified/,
  ],
  [
    'bob',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id } }),
    404,
    'NetworkNotFound',
    /could not be found/,
  ],
  [
    'bob',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.external.id } }),
    403,
    'HTTPForbidden',
    /not allowed to create port/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, fixed_ips: [{ ip_address: '192.168.2.79' }] } }),
    409,
    'IpAddressAlreadyAllocated',
    /192\.168\.2\.79 already allocated/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, fixed_ips: [{ ip_address: '10.9.9.9' }] } }),
    400,
    'InvalidIpForNetwork',
    /not a valid IP for any of the subnets/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, fixed_ips: [{}] } }),
    400,
    'InvalidInput',
    /requires subnet_id or ip_address/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, mac_address: 'xx' } }),
    400,
    'HTTPBadRequest',
    /'xx' is not a valid MAC address/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, mac_address: cloud.vm1.mac_address } }),
    409,
    'MacAddressInUse',
    /is in use/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, security_groups: ['x'] } }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid UUID/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, security_groups: [cloud.network.id] } }),
    404,
    'SecurityGroupNotFound',
    /does not exist/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, security_groups: [cloud.network.id, cloud.network.id] } }),
    400,
    'HTTPBadRequest',
    /Duplicate items in the list/,
  ],
  [
    'alice',
    'POST',
    '/ports',
    () => ({ port: { network_id: cloud.network.id, 'binding:host_id': 'h' } }),
    403,
    'PolicyNotAuthorized',
    /binding:host_id/,
  ],
  ['alice', 'GET', '/ports?fixed_ips=zz', undefined, 400, 'InvalidInput', /'zz' is not of the form <key>=\[value\]/],
  [
    'alice',
    'GET',
    '/ports?ip_address=1.1.1.1',
    undefined,
    400,
    'HTTPBadRequest',
    /\['ip_address'\] is invalid attribute/,
  ],

  [
    'alice',
    'POST',
    '/floatingips',
    () => ({ floatingip: { floating_network_id: cloud.network.id } }),
    400,
    'BadRequest',
    /is not a valid external network\./,
  ],
  [
    'alice',
    'POST',
    '/floatingips',
    () => ({ floatingip: { floating_network_id: cloud.external.id, floating_ip_address: '10.11.7.9' } }),
    403,
    'PolicyNotAuthorized',
    /floating_ip_address/,
  ],
  [
    'admin',
    'POST',
    '/floatingips',
    () => ({ floatingip: { floating_network_id: cloud.external.id, floating_ip_address: '10.12.7.9' } }),
    400,
    'InvalidIpForNetwork',
    /10\.12\.7\.9/,
  ],
  [
    'admin',
    'POST',
    '/floatingips',
    () => ({
      floatingip: { floating_network_id: cloud.external.id, floating_ip_address: cloud.floatingIp.floating_ip_address },
    }),
    409,
    'IpAddressAlreadyAllocated',
    /already allocated/,
  ],
  [
    'alice',
    'POST',
    '/floatingips',
    () => ({ floatingip: { floating_network_id: cloud.external.id, fixed_ip_address: '192.168.2.79' } }),
    400,
    'BadRequest',
    /without a port_id/,
  ],
  [
    'alice',
    'PUT',
    () => `/floatingips/${cloud.floatingIp.id}`,
    () => ({ floatingip: { port_id: cloud.vm1.id, fixed_ip_address: '192.168.2.99' } }),
    400,
    'BadRequest',
    /does not have fixed ip 192\.168\.2\.99/,
  ],
  [
    'bob',
    'PUT',
    () => `/floatingips/${cloud.floatingIp.id}`,
    () => ({ floatingip: { port_id: null } }),
    404,
    'FloatingIPNotFound',
    /could not be found$/,
  ],

  ['alice', 'POST', '/routers', () => ({ router: { distributed: true } }), 403, 'PolicyNotAuthorized', /distributed/],
  [
    'alice',
    'POST',
    '/routers',
    () => ({ router: { external_gateway_info: { foo: 1 } } }),
    400,
    'HTTPBadRequest',
    /Expected keys: \{'network_id'\} Provided keys: \{'foo'\}/,
  ],
  [
    'alice',
    'POST',
    '/routers',
    () => ({ router: { external_gateway_info: { network_id: cloud.network.id } } }),
    400,
    'BadRequest',
    /is not an external network\./,
  ],
  [
    'alice',
    'POST',
    '/routers',
    () => ({ router: { routes: [] } }),
    400,
    'HTTPBadRequest',
    /Attribute 'routes' not allowed in POST/,
  ],
  [
    'alice',
    'PUT',
    () => `/routers/${cloud.router.id}/add_router_interface`,
    () => ({ x: 1 }),
    400,
    'BadRequest',
    /Either subnet_id or port_id must be specified\./,
  ],
  [
    'alice',
    'PUT',
    () => `/routers/${cloud.router.id}/add_router_interface`,
    () => ({ subnet_id: cloud.subnet.id }),
    400,
    'BadRequest',
    /Router already has a port on subnet/,
  ],
  [
    'alice',
    'PUT',
    () => `/routers/${cloud.router.id}/remove_router_interface`,
    () => ({ subnet_id: cloud.externalSubnet.id }),
    404,
    'RouterInterfaceNotFoundForSubnet',
    /has no interface on subnet/,
  ],
  ['alice', 'DELETE', () => `/routers/${cloud.router.id}`, undefined, 409, 'RouterInUse', /has ports still attached/],
  [
    'alice',
    'PUT',
    () => `/routers/${cloud.router.id}`,
    () => ({ router: { routes: [{ destination: '10.0.0.0/8', nexthop: '172.16.0.1' }] } }),
    400,
    'InvalidRoutes',
    /the nexthop is not connected with router/,
  ],

  [
    'alice',
    'POST',
    '/security-groups',
    () => ({ security_group: { name: 'default' } }),
    409,
    'SecurityGroupDefaultAlreadyExists',
    /already exists\.$/,
  ],
  ['alice', 'GET', '/extensions/nope', undefined, 404, '', /Extension with alias nope does not exist/],
];

for (const [who, method, path, body, status, type, message] of REFUSALS) {
  const shown = typeof path === 'string' ? path : path.toString().replace(/^.*`(.*)`$/, '$1');
  test(`${method} ${shown} ${body?.toString().replaceAll(/\s+/g, ' ').slice(6, 110) ?? ''} by ${who}: ${status} ${type}`, async () => {
    const answer = await api.send(who, method, typeof path === 'string' ? path : path(), body?.() as never);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    const error = answer.body.NeutronError ?? answer.body;
    if (type !== '') assert.equal(error.type, type);
    assert.match(error.message, message);
  });
}

test('without a token: Keystone’s middleware speaks', async () => {
  const answer = await api.send('nobody', 'GET', '/networks');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.body, {
    error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
  });
  assert.match(String(answer.headers['www-authenticate']), /^Keystone uri=/);
});

/** Rules that are refused, as [values, status, type]. */
const RULE_REFUSALS: [object, number, string][] = [
  [{ direction: 'in' }, 400, 'HTTPBadRequest'],
  [{ ethertype: 'IPv5' }, 400, 'SecurityGroupRuleInvalidEtherType'],
  [{ protocol: 'any' }, 400, 'SecurityGroupRuleInvalidProtocol'],
  [{ protocol: 'icmpv6' }, 400, 'SecurityGroupEthertypeConflictWithProtocol'],
  [{ protocol: 'tcp', port_range_min: 80, port_range_max: 22 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 80 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 0, port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'tcp', port_range_min: 1, port_range_max: 65_536 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'tcp', port_range_min: 'a', port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupProtocolRequiredWithPorts'],
  [{ protocol: 'vrrp', port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupInvalidProtocolForPort'],
  [{ protocol: 'icmp', port_range_min: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
  [{ protocol: 'icmp', port_range_max: 0 }, 400, 'SecurityGroupMissingIcmpType'],
  [{ remote_ip_prefix: 'x' }, 400, 'InvalidCIDR'],
  [{ remote_ip_prefix: 'fd00::/8' }, 400, 'SecurityGroupRuleParameterConflict'],
];

test('security groups: the default one, its rules, refusals, duplicates', async () => {
  const [group] = await api.expect('alice', 'GET', '/security-groups?name=default');
  assert.equal(group.security_group_rules.length, 4);
  assert.equal((await api.send('alice', 'DELETE', `/security-groups/${group.id}`)).status, 409);
  const own = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  assert.deepEqual(
    own.security_group_rules.map((rule: { direction: string }) => rule.direction),
    ['egress', 'egress'],
  );
  const rule = (values: object) =>
    api.send('alice', 'POST', '/security-group-rules', {
      security_group_rule: { security_group_id: own.id, direction: 'ingress', ...values },
    });
  for (const [values, status, type] of RULE_REFUSALS) {
    const answer = await rule(values);
    assert.deepEqual([answer.status, answer.body.NeutronError.type], [status, type], JSON.stringify(values));
  }
  const made = await rule({
    protocol: 'TCP',
    port_range_min: '22',
    port_range_max: 22,
    remote_ip_prefix: '10.1.2.3/8',
  });
  assert.equal(made.status, 201);
  assert.deepEqual(
    [
      made.body.security_group_rule.protocol,
      made.body.security_group_rule.port_range_min,
      made.body.security_group_rule.normalized_cidr,
    ],
    ['tcp', 22, '10.0.0.0/8'],
  );
  assert.equal((await rule({ protocol: 'udp' })).status, 201);
  for (const same of [
    { protocol: 'udp', description: 'again' },
    { protocol: '17' },
    { protocol: 'udp', remote_ip_prefix: '0.0.0.0/0' },
  ]) {
    const answer = await rule(same);
    assert.deepEqual(
      [answer.status, answer.body.NeutronError.type],
      [409, 'SecurityGroupRuleExists'],
      JSON.stringify(same),
    );
  }
  assert.equal(
    (await rule({ protocol: 'tcp', port_range_min: 1, port_range_max: 65_535 })).body.security_group_rule
      .port_range_min,
    null,
  );
  assert.equal((await api.send('bob', 'GET', `/security-groups/${own.id}`)).status, 404);
  assert.equal((await api.send('alice', 'DELETE', `/security-groups/${own.id}`)).status, 204);
});

test('lists: filters, fields, sorting, pages both ways', async () => {
  for (const name of ['c', 'a', 'b']) await api.create('bob', '/networks', 'network', { name, description: 'page' });
  const names = async (query: string) =>
    (await api.expect('bob', 'GET', `/networks?${query}`)).map((item: { name: string }) => item.name);
  assert.deepEqual(await names('description=page&sort_key=name&sort_dir=asc'), ['a', 'b', 'c']);
  assert.deepEqual(await names('name=a&name=b&sort_key=name&sort_dir=desc'), ['b', 'a']);
  assert.deepEqual(await names('name='), []);
  assert.deepEqual(await names('router:external=True'), ['ext-net']);
  assert.deepEqual(await api.expect('bob', 'GET', '/networks?name=a&fields=name&fields=mtu&fields=nope'), [
    { name: 'a', mtu: 1500 },
  ]);
  const first = await api.send('bob', 'GET', '/networks?description=page&sort_key=name&sort_dir=asc&limit=2');
  const links = Object.fromEntries(
    first.body.networks_links.map((link: { rel: string; href: string }) => [link.rel, link.href]),
  );
  const follow = async (href: string) => (await api.send('bob', 'GET', href.replace(/^.*\/v2\.0/, ''))).body;
  const second = await follow(links.next);
  assert.deepEqual(
    second.networks.map((item: { name: string }) => item.name),
    ['c'],
  );
  const back = second.networks_links.find((link: { rel: string }) => link.rel === 'previous');
  assert.deepEqual(
    (await follow(back.href)).networks.map((item: { name: string }) => item.name),
    ['a', 'b'],
  );
  assert.equal((await api.send('bob', 'GET', '/networks?description=none&limit=2')).body.networks_links, undefined);
  assert.ok(
    !('provider:network_type' in (await api.expect('bob', 'GET', '/networks?name=a'))[0]),
    'hidden from who is no admin',
  );
  assert.equal((await api.expect('admin', 'GET', '/networks?name=a'))[0]['provider:network_type'], 'local');
});

test('tags and If-Match', async () => {
  const network = await api.create('bob', '/networks', 'network', { name: 'tagged' });
  const tags = `/networks/${network.id}/tags`;
  assert.deepEqual(await api.expect('bob', 'PUT', tags, { tags: ['red', 'blue'] }), ['blue', 'red']);
  assert.equal((await api.send('bob', 'PUT', `${tags}/green`)).status, 201);
  assert.equal((await api.send('bob', 'GET', `${tags}/green`)).status, 204);
  assert.equal((await api.send('bob', 'GET', `${tags}/grey`)).body.NeutronError.type, 'TagNotFound');
  assert.equal((await api.send('bob', 'DELETE', `${tags}/grey`)).status, 404);
  assert.equal((await api.send('alice', 'GET', tags)).body.NeutronError.type, 'TagResourceNotFound');
  assert.equal((await api.send('bob', 'PUT', tags, { tags: ['a', 'a'] })).status, 400);
  assert.equal((await api.send('bob', 'PUT', tags, { tags: 'a' })).status, 400);
  assert.equal((await api.send('bob', 'PUT', tags, {})).status, 400);
  const matching = async (query: string) => (await api.expect('bob', 'GET', `/networks?name=tagged&${query}`)).length;
  assert.deepEqual(
    [
      await matching('tags=red,blue'),
      await matching('tags=red,grey'),
      await matching('tags-any=red,grey'),
      await matching('not-tags=red,grey'),
      await matching('not-tags-any=red,grey'),
    ],
    [1, 0, 1, 1, 0],
  );
  const { revision_number: revision } = await api.expect('bob', 'GET', `/networks/${network.id}`);
  assert.ok(revision > network.revision_number);
  const put = (match: string) =>
    api.send('bob', 'PUT', `/networks/${network.id}`, { network: { name: 'tagged2' } }, { 'if-match': match });
  const stale = await put(`revision_number=${revision - 1}`);
  assert.deepEqual([stale.status, stale.body.NeutronError.type], [412, 'RevisionNumberConstraintFailed']);
  assert.equal((await put(`revision_number=${revision}`)).status, 200);
  assert.equal((await put('"etag"')).status, 200);
  assert.equal((await api.send('bob', 'DELETE', tags)).status, 204);
});

test('addresses: of many ports made at once none has another’s, and none is lost', async () => {
  const network = await api.create('bob', '/networks', 'network', { name: 'small' });
  const subnet = await api.create('bob', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.5.0.0/28',
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.send('bob', 'POST', '/ports', { port: { network_id: network.id } })),
  );
  const made = answers.filter((answer) => answer.status === 201).map((answer) => answer.body.port);
  assert.equal(made.length, 13, '16 less network, broadcast and gateway');
  assert.equal(new Set(made.map((port) => port.fixed_ips[0].ip_address)).size, 13);
  const refused = answers.find((answer) => answer.status !== 201);
  assert.deepEqual([refused?.status, refused?.body.NeutronError.type], [409, 'IpAddressGenerationFailure']);
  for (const port of made) assert.equal((await api.send('bob', 'DELETE', `/ports/${port.id}`)).status, 204);
  assert.equal((await api.send('bob', 'DELETE', `/subnets/${subnet.id}`)).status, 204);
  assert.equal((await api.send('bob', 'DELETE', `/networks/${network.id}`)).status, 204);
});

test('a floating IP is associated, shows its port, and is disassociated when the port goes', async () => {
  const port = await api.create('alice', '/ports', 'port', { network_id: cloud.network.id, name: 'web' });
  const floatingIp = await api.create('alice', '/floatingips', 'floatingip', {
    floating_network_id: cloud.external.id,
    port_id: port.id,
  });
  assert.equal(floatingIp.fixed_ip_address, port.fixed_ips[0].ip_address);
  assert.equal(floatingIp.router_id, cloud.router.id);
  assert.equal(floatingIp.port_details.name, 'web');
  const other = await api.send('alice', 'POST', '/floatingips', {
    floatingip: { floating_network_id: cloud.external.id, port_id: port.id },
  });
  assert.deepEqual([other.status, other.body.NeutronError.type], [409, 'FloatingIPPortAlreadyAssociated']);
  assert.equal(
    (await api.send('alice', 'PUT', `/floatingips/${floatingIp.id}`, { floatingip: {} })).body.floatingip.port_id,
    port.id,
  );
  assert.equal((await api.send('alice', 'DELETE', `/ports/${port.id}`)).status, 204);
  const left = await api.expect('alice', 'GET', `/floatingips/${floatingIp.id}`);
  assert.deepEqual(
    [left.port_id, left.fixed_ip_address, left.router_id, left.status, left.port_details],
    [null, null, null, 'DOWN', null],
  );
});

test('a distributed router has a port for address translation on each of its subnets while it has a gateway', async () => {
  const router = await api.create('admin', '/routers', 'router', { distributed: true, ha: true });
  const network = await api.create('admin', '/networks', 'network', {});
  const subnet = await api.create('admin', '/subnets', 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.77.0.0/24',
  });
  await api.send('admin', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const owners = async () =>
    (await api.expect('admin', 'GET', `/ports?device_id=${router.id}`))
      .map((port: { device_owner: string }) => port.device_owner)
      .sort();
  assert.deepEqual(await owners(), ['network:router_interface_distributed']);
  await api.expect('admin', 'PUT', `/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: cloud.external.id } },
  });
  assert.deepEqual(await owners(), [
    'network:router_centralized_snat',
    'network:router_gateway',
    'network:router_interface_distributed',
  ]);
  await api.expect('admin', 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: null } });
  assert.deepEqual(await owners(), ['network:router_interface_distributed']);
  assert.equal(
    (await api.send('admin', 'PUT', `/routers/${router.id}`, { router: { distributed: false } })).status,
    400,
  );
  await api.expect('admin', 'PUT', `/routers/${router.id}`, { router: { distributed: false, admin_state_up: false } });
  assert.deepEqual(await owners(), ['network:router_interface']);
});
