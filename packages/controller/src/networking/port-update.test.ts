import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };
let statelessGroup: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  statelessGroup = await api.create('alice', '/security-groups', 'security_group', { stateful: false });
});
after(() => api.stop());

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';
const post = (values: object) =>
  api.send('alice', 'POST', '/ports', { port: { network_id: cloud.network.id, ...values } });

const MAC = 'fa:16:3e:aa:bb:cc';

test('a port as its project sees it, and as an admin does', async () => {
  const made = (await post({ mac_address: MAC, fixed_ips: [{ ip_address: '192.168.2.94' }] })).body.port;
  const [defaultGroup] = await api.expect('alice', 'GET', '/security-groups?name=default&fields=id');
  const shown = {
    id: made.id,
    project_id: 'p-alice',
    tenant_id: 'p-alice',
    created_at: made.created_at,
    updated_at: made.created_at,
    revision_number: made.revision_number,
    name: '',
    description: '',
    network_id: cloud.network.id,
    admin_state_up: true,
    mac_address: MAC,
    fixed_ips: [{ subnet_id: cloud.subnet.id, ip_address: '192.168.2.94' }],
    device_id: '',
    device_owner: '',
    security_groups: [defaultGroup.id],
    port_security_enabled: true,
    allowed_address_pairs: [],
    'binding:vnic_type': 'normal',
    extra_dhcp_opts: [],
    dns_name: '',
    dns_assignment: [
      { ip_address: '192.168.2.94', hostname: 'host-192-168-2-94', fqdn: 'host-192-168-2-94.openstacklocal.' },
    ],
    status: 'DOWN',
    ip_allocation: 'immediate',
    qos_policy_id: null,
    qos_network_policy_id: null,
    tags: [],
  };
  assert.deepEqual(made, shown);
  assert.deepEqual(await api.expect('admin', 'GET', `/ports/${made.id}`), {
    ...shown,
    'binding:host_id': '',
    'binding:profile': {},
    'binding:vif_type': 'unbound',
    'binding:vif_details': {},
  });
  await api.expect('alice', 'DELETE', `/ports/${made.id}`);
});

const pairs = (count: number) => Array.from({ length: count }, (_, i) => ({ ip_address: `10.0.0.${i}` }));
const option = (name: string, value: string | null) => ({ opt_name: name, opt_value: value });
/** PUTs of a port with the default group, one address, DHCP options a and b: who, values, status, type or what is shown. */
const PUTS: [string, string, () => object, number, string | object][] = [
  ['alice', 'nothing', () => ({}), 200, {}],
  ['alice', 'no addresses', () => ({ fixed_ips: [] }), 200, { fixed_ips: [], ip_allocation: 'none' }],
  ['alice', 'a subnet alone: the address stays', () => ({ fixed_ips: [{ subnet_id: cloud.subnet.id }] }), 200, {}],
  [
    'alice',
    'a taken address',
    () => ({ fixed_ips: [{ ip_address: '192.168.2.79' }] }),
    409,
    'IpAddressAlreadyAllocated',
  ],
  ['alice', 'a MAC address', () => ({ mac_address: 'fa:16:3e:00:00:09' }), 403, 'PolicyNotAuthorized'],
  ['admin', 'a MAC address', () => ({ mac_address: 'fa:16:3e:00:00:09' }), 200, { mac_address: 'fa:16:3e:00:00:09' }],
  ['admin', 'a taken MAC address', () => ({ mac_address: cloud.vm1.mac_address }), 409, 'MacAddressInUse'],
  ['alice', 'no security', () => ({ port_security_enabled: false }), 409, 'PortSecurityPortHasSecurityGroup'],
  [
    'alice',
    'no security, no groups',
    () => ({ port_security_enabled: false, security_groups: [] }),
    200,
    { port_security_enabled: false, security_groups: [] },
  ],
  [
    'alice',
    'no security, a group',
    () => ({ port_security_enabled: false, security_groups: [group.id] }),
    400,
    'PortSecurityAndIPRequiredForSecurityGroups',
  ],
  [
    'alice',
    'no security, pairs',
    () => ({ port_security_enabled: false, security_groups: [], allowed_address_pairs: pairs(1) }),
    409,
    'AddressPairAndPortSecurityRequired',
  ],
  [
    'alice',
    'groups of both kinds',
    () => ({ security_groups: [group.id, statelessGroup.id] }),
    409,
    'SecurityGroupConflict',
  ],
  ['alice', 'stateless groups alone', () => ({ security_groups: [statelessGroup.id] }), 200, {}],
  ['alice', 'an unknown group', () => ({ security_groups: [UNKNOWN] }), 404, 'SecurityGroupNotFound'],
  [
    'alice',
    'DHCP options: one more, one changed, one gone',
    () => ({ extra_dhcp_opts: [option('a', '9'), option('b', null), option('c', '3')] }),
    200,
    {
      extra_dhcp_opts: [
        { ...option('a', '9'), ip_version: 4 },
        { ...option('c', '3'), ip_version: 4 },
      ],
    },
  ],
  ['alice', 'a host', () => ({ 'binding:host_id': 'h' }), 403, 'PolicyNotAuthorized'],
  ['admin', 'a host', () => ({ 'binding:host_id': 'h' }), 200, { 'binding:host_id': 'h' }],
  ['alice', 'a network', () => ({ network_id: cloud.external.id }), 400, 'HTTPBadRequest'],
  ['alice', 'tags', () => ({ tags: [] }), 400, 'HTTPBadRequest'],
  ['bob', 'a name', () => ({ name: 'x' }), 404, 'PortNotFound'],
  ['reader', 'a name', () => ({ name: 'x' }), 403, 'PolicyNotAuthorized'],
];

for (const [who, what, values, status, expected] of PUTS) {
  test(`PUT by ${who}: ${what}: ${status}`, async () => {
    const { port } = (await post({ extra_dhcp_opts: [option('a', '1'), option('b', '2')] })).body;
    const answer = await api.send(who, 'PUT', `/ports/${port.id}`, { port: values() });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    const after = await api.expect('alice', 'GET', `/ports/${port.id}`);
    if (typeof expected === 'string') {
      assert.equal(answer.body.NeutronError.type, expected);
      assert.deepEqual(after, port);
    } else {
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(answer.body.port[key], value, key);
      if (!('fixed_ips' in expected)) assert.deepEqual(after.fixed_ips, port.fixed_ips);
    }
    await api.expect('alice', 'DELETE', `/ports/${port.id}`);
  });
}

test('filters of ports', async () => {
  const a = (
    await post({ fixed_ips: [{ ip_address: '192.168.2.210' }], device_id: 'dev', security_groups: [group.id] })
  ).body.port;
  const b = (await post({ fixed_ips: [{ ip_address: '192.168.2.211' }], name: 'b', device_owner: 'compute:z' })).body
    .port;
  const found = async (query: string, who = 'alice') =>
    (await api.expect(who, 'GET', `/ports?${query}&fields=id&sort_key=created_at&sort_dir=asc`))
      .map((item: { id: string }) => (item.id === a.id ? 'a' : item.id === b.id ? 'b' : '?'))
      .sort()
      .join('');
  const ip = (address: string) => `fixed_ips=ip_address%3D${address}`;
  for (const [query, expected] of [
    [ip('192.168.2.210'), 'a'],
    [`${ip('192.168.2.210')}&${ip('192.168.2.211')}`, 'ab'],
    ['fixed_ips=ip_address=192.168.2.210', 'a'],
    ['fixed_ips=ip_address_substr=2.21', 'ab'],
    ['fixed_ips=ip_address_substr=2%2521', ''],
    [`fixed_ips=subnet_id=${cloud.subnet.id}&${ip('192.168.2.211')}`, 'b'],
    [`fixed_ips=subnet_id=${UNKNOWN}&${ip('192.168.2.211')}`, ''],
    ['fixed_ips=subnet_id=x', ''],
    [`security_groups=${group.id}`, 'a'],
    ['device_id=dev', 'a'],
    ['device_owner=compute:z', 'b'],
    [`mac_address=${a.mac_address}`, 'a'],
    [`network_id=${cloud.network.id}&name=b`, 'b'],
    ['status=DOWN&name=b', 'b'],
    ['admin_state_up=True&name=b', 'b'],
    ['project_id=p-alice&name=b', 'b'],
    ['tenant_id=p-bob', ''],
    [`id=${a.id}&id=${b.id}`, 'ab'],
  ] as const) {
    assert.equal(await found(query), expected, query);
  }
  assert.equal(await found('binding:host_id=nowhere', 'admin'), '');
  assert.deepEqual(await api.expect('alice', 'GET', `/ports/${a.id}?fields=security_group_ids&fields=device_id`), {
    device_id: 'dev',
    security_groups: [group.id],
  });
  for (const { id } of [a, b]) await api.expect('alice', 'DELETE', `/ports/${id}`);
});

test('the network’s owner sees ports of others on it, and no more', async () => {
  const port = await api.create('admin', '/ports', 'port', { network_id: cloud.network.id, project_id: 'p-bob' });
  assert.equal((await api.send('alice', 'GET', `/ports/${port.id}`)).status, 200);
  assert.equal((await api.send('alice', 'PUT', `/ports/${port.id}`, { port: { name: 'x' } })).status, 403);
  assert.equal((await api.send('bob', 'GET', `/ports/${port.id}`)).status, 200);
  await api.expect('admin', 'DELETE', `/ports/${port.id}`);
});
