import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { aliceCloud, TestApi } from '../http/test-api.ts';

let api: TestApi;
let cloud: Awaited<ReturnType<typeof aliceCloud>>;
let group: { id: string };
let statelessGroup: { id: string };
let foreignGroup: { id: string };

before(async () => {
  api = await TestApi.start();
  cloud = await aliceCloud(api);
  group = await api.create('alice', '/security-groups', 'security_group', { name: 'web' });
  statelessGroup = await api.create('alice', '/security-groups', 'security_group', { stateful: false });
  foreignGroup = await api.create('bob', '/security-groups', 'security_group', {});
});
after(() => api.stop());

const UNKNOWN = '9b68c54c-2d19-4ad4-a2a1-30574c83647c';
const post = (values: object, who = 'alice') =>
  api.send(who, 'POST', '/ports', { port: { network_id: cloud.network.id, ...values } });
const MAC = 'fa:16:3e:aa:bb:cc';

/** POSTs that are taken: who, values, what is then shown. */
const TAKEN: [string, string, () => object, () => object][] = [
  [
    'alice',
    'no addresses',
    () => ({ fixed_ips: [] }),
    () => ({ fixed_ips: [], ip_allocation: 'none', security_groups: [] }),
  ],
  [
    'alice',
    'several addresses',
    () => ({ fixed_ips: [1, 2, 3, 4, 5, 6].map((i) => ({ ip_address: `192.168.2.15${i}` })) }),
    () => ({
      fixed_ips: [1, 2, 3, 4, 5, 6].map((i) => ({ subnet_id: cloud.subnet.id, ip_address: `192.168.2.15${i}` })),
    }),
  ],
  [
    'alice',
    'subnet and address',
    () => ({ fixed_ips: [{ subnet_id: cloud.subnet.id, ip_address: '192.168.2.200' }] }),
    () => ({ fixed_ips: [{ subnet_id: cloud.subnet.id, ip_address: '192.168.2.200' }] }),
  ],
  [
    'alice',
    'a MAC address in another form',
    () => ({ mac_address: 'FA-16-3E-00-00-01' }),
    () => ({ mac_address: 'fa:16:3e:00:00:01' }),
  ],
  ['alice', 'no groups', () => ({ security_groups: [] }), () => ({ security_groups: [] })],
  ['alice', 'null groups', () => ({ security_groups: null }), () => ({ security_groups: [] })],
  ['alice', 'a group', () => ({ security_groups: [group.id] }), () => ({ security_groups: [group.id] })],
  [
    'alice',
    'no security',
    () => ({ port_security_enabled: false }),
    () => ({ port_security_enabled: false, security_groups: [] }),
  ],
  [
    'alice',
    'address pairs',
    () => ({
      mac_address: MAC,
      allowed_address_pairs: [
        { ip_address: '10.0.0.5' },
        { ip_address: '10.1.0.0/16', mac_address: 'FA:16:3E:00:00:02' },
        { ip_address: 'FD00::/64' },
      ],
    }),
    () => ({
      allowed_address_pairs: [
        { mac_address: MAC, ip_address: '10.0.0.5' },
        { mac_address: 'fa:16:3e:00:00:02', ip_address: '10.1.0.0/16' },
        { mac_address: MAC, ip_address: 'fd00::/64' },
      ],
    }),
  ],
  ['alice', 'null address pairs', () => ({ allowed_address_pairs: null }), () => ({ allowed_address_pairs: [] })],
  [
    'alice',
    'DHCP options',
    () => ({
      extra_dhcp_opts: [
        { opt_name: 'bootfile-name', opt_value: 'pxe', ip_version: '6' },
        { opt_name: 'mtu', opt_value: '1400' },
        { opt_name: 'router', opt_value: '' },
        { opt_name: 'gone', opt_value: null },
      ],
    }),
    () => ({
      extra_dhcp_opts: [
        { opt_name: 'bootfile-name', opt_value: 'pxe', ip_version: 6 },
        { opt_name: 'mtu', opt_value: '1400', ip_version: 4 },
        { opt_name: 'router', opt_value: '', ip_version: 4 },
      ],
    }),
  ],
  [
    'alice',
    'a DNS name',
    () => ({ dns_name: 'Web-1', fixed_ips: [{ ip_address: '192.168.2.94' }] }),
    () => ({
      dns_name: 'web-1',
      dns_assignment: [{ ip_address: '192.168.2.94', hostname: 'web-1', fqdn: 'web-1.openstacklocal.' }],
    }),
  ],
  ['alice', 'a kind of device', () => ({ 'binding:vnic_type': 'macvtap' }), () => ({ 'binding:vnic_type': 'macvtap' })],
  [
    'alice',
    'a device',
    () => ({ device_id: 'd', device_owner: 'compute:x' }),
    () => ({ device_id: 'd', device_owner: 'compute:x' }),
  ],
  ['alice', 'tags', () => ({ tags: ['b', 'a'] }), () => ({ tags: ['a', 'b'] })],
  [
    'alice',
    'down',
    () => ({ admin_state_up: false, name: 'n', description: 'd' }),
    () => ({ admin_state_up: false, name: 'n' }),
  ],
  ['alice', 'no host', () => ({ 'binding:host_id': '' }), () => ({})],
  [
    'admin',
    'a host',
    () => ({ 'binding:host_id': 'h1', 'binding:profile': { a: 1 } }),
    () => ({ 'binding:host_id': 'h1', 'binding:profile': { a: 1 } }),
  ],
  [
    'admin',
    'null bindings',
    () => ({ 'binding:host_id': null, 'binding:profile': null }),
    () => ({ 'binding:host_id': '', 'binding:profile': {} }),
  ],
];

for (const [who, what, values, shown] of TAKEN) {
  test(`taken by ${who}: ${what}`, async () => {
    const { status, body } = await post(values(), who);
    assert.equal(status, 201, JSON.stringify(body));
    for (const [key, value] of Object.entries(shown())) assert.deepEqual(body.port[key], value, key);
    assert.deepEqual(await api.expect(who, 'GET', `/ports/${body.port.id}`), body.port);
    assert.equal((await api.send(who, 'DELETE', `/ports/${body.port.id}`)).status, 204);
  });
}

const pairs = (count: number) => Array.from({ length: count }, (_, i) => ({ ip_address: `10.0.0.${i}` }));
/** POSTs that are refused: who, values, status, type, message. */
const REFUSED: [string, string, () => object, number, string, RegExp][] = [
  ['alice', 'no network', () => ({ network_id: undefined }), 400, 'HTTPBadRequest', /'network_id' not specified$/],
  ['alice', 'an unknown network', () => ({ network_id: UNKNOWN }), 404, 'NetworkNotFound', /could not be found\.$/],
  ['bob', 'a network of another', () => ({}), 404, 'NetworkNotFound', /could not be found\.$/],
  [
    'bob',
    'an external network',
    () => ({ network_id: cloud.external.id }),
    403,
    'HTTPForbidden',
    /^Tenant p-bob not allowed to create port on this network$/,
  ],
  ['reader', 'anything', () => ({}), 403, 'PolicyNotAuthorized', /^rule:create_port is disallowed by policy$/],
  [
    'alice',
    'neither subnet nor address',
    () => ({ fixed_ips: [{}] }),
    400,
    'InvalidInput',
    /IP allocation requires subnet_id or ip_address\.$/,
  ],
  [
    'alice',
    'an address of no subnet',
    () => ({ fixed_ips: [{ ip_address: '10.9.9.9' }] }),
    400,
    'InvalidIpForNetwork',
    /^IP address 10\.9\.9\.9 is not a valid IP for any of the subnets on the specified network\.$/,
  ],
  [
    'alice',
    'an address of another subnet',
    () => ({ fixed_ips: [{ subnet_id: cloud.subnet.id, ip_address: '10.9.9.9' }] }),
    400,
    'InvalidIpForSubnet',
    /^IP address 10\.9\.9\.9 is not a valid IP for the specified subnet\.$/,
  ],
  [
    'alice',
    'the network address',
    () => ({ fixed_ips: [{ ip_address: '192.168.2.0' }] }),
    400,
    'InvalidIpForSubnet',
    /192\.168\.2\.0/,
  ],
  [
    'alice',
    'a taken address',
    () => ({ fixed_ips: [{ ip_address: '192.168.2.79' }] }),
    409,
    'IpAddressAlreadyAllocated',
    /^IP address 192\.168\.2\.79 already allocated in subnet \S+$/,
  ],
  [
    'alice',
    'an address twice',
    () => ({ fixed_ips: [{ ip_address: '192.168.2.90' }, { ip_address: '192.168.2.90' }] }),
    400,
    'HTTPBadRequest',
    /Duplicate IP address '192\.168\.2\.90'/,
  ],
  [
    'alice',
    'a subnet elsewhere',
    () => ({ fixed_ips: [{ subnet_id: cloud.externalSubnet.id }] }),
    400,
    'InvalidInput',
    /fixed_ips included invalid subnet/,
  ],
  [
    'alice',
    'null addresses',
    () => ({ fixed_ips: null }),
    400,
    'HTTPBadRequest',
    /Invalid data format for fixed IP: 'None'/,
  ],
  [
    'alice',
    'an address that is a text',
    () => ({ fixed_ips: ['192.168.2.90'] }),
    400,
    'HTTPBadRequest',
    /Invalid data format for fixed IP/,
  ],
  [
    'alice',
    'an address with more',
    () => ({ fixed_ips: [{ ip_address: '192.168.2.90', x: 1 }] }),
    400,
    'HTTPBadRequest',
    /keys/,
  ],
  [
    'alice',
    'a bad address',
    () => ({ fixed_ips: [{ ip_address: 'x' }] }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid IP address\.$/,
  ],
  [
    'alice',
    'a bad MAC address',
    () => ({ mac_address: 'xx' }),
    400,
    'HTTPBadRequest',
    /'xx' is not a valid MAC address\.$/,
  ],
  [
    'alice',
    'a taken MAC address',
    () => ({ mac_address: cloud.vm1.mac_address }),
    409,
    'MacAddressInUse',
    /^Unable to complete operation for network \S+\. The mac address fa:16:3e:\S+ is in use\.$/,
  ],
  [
    'alice',
    'a group twice',
    () => ({ security_groups: [group.id, group.id] }),
    400,
    'HTTPBadRequest',
    /^Invalid input for security_groups\. Reason: Duplicate items in the list: '\S+'\.$/,
  ],
  [
    'alice',
    'an unknown group',
    () => ({ security_groups: [UNKNOWN] }),
    404,
    'SecurityGroupNotFound',
    /^Security group \S+ does not exist$/,
  ],
  [
    'alice',
    'a group of another project',
    () => ({ security_groups: [foreignGroup.id] }),
    404,
    'SecurityGroupNotFound',
    /does not exist$/,
  ],
  [
    'alice',
    'a group that is none',
    () => ({ security_groups: ['x'] }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid UUID\.$/,
  ],
  [
    'alice',
    'groups without security',
    () => ({ port_security_enabled: false, security_groups: [group.id] }),
    400,
    'PortSecurityAndIPRequiredForSecurityGroups',
    /./,
  ],
  [
    'alice',
    'groups of both kinds',
    () => ({ security_groups: [group.id, statelessGroup.id] }),
    409,
    'SecurityGroupConflict',
    /^Error Cannot apply both stateful and stateless security groups on the same port at the same time while attempting /,
  ],
  [
    'alice',
    'pairs without security',
    () => ({ port_security_enabled: false, allowed_address_pairs: pairs(1) }),
    409,
    'AddressPairAndPortSecurityRequired',
    /./,
  ],
  [
    'alice',
    'eleven pairs',
    () => ({ allowed_address_pairs: pairs(11) }),
    400,
    'AllowedAddressPairExhausted',
    /exceeds the maximum 10\.$/,
  ],
  [
    'alice',
    'a pair twice',
    () => ({ allowed_address_pairs: [...pairs(1), ...pairs(1)] }),
    400,
    'DuplicateAddressPairInRequest',
    /duplicate address pair/,
  ],
  [
    'alice',
    'a pair twice, once by its MAC address',
    () => ({ mac_address: MAC, allowed_address_pairs: [...pairs(1), { ...pairs(1)[0], mac_address: MAC }] }),
    400,
    'DuplicateAddressPairInRequest',
    /./,
  ],
  [
    'alice',
    'a pair without address',
    () => ({ allowed_address_pairs: [{ mac_address: MAC }] }),
    400,
    'AllowedAddressPairsMissingIP',
    /must contain ip_address$/,
  ],
  [
    'alice',
    'a bad pair',
    () => ({ allowed_address_pairs: [{ ip_address: 'x' }] }),
    400,
    'HTTPBadRequest',
    /'x' is not a valid IP/,
  ],
  [
    'alice',
    'a bad kind of device',
    () => ({ 'binding:vnic_type': 'x' }),
    400,
    'HTTPBadRequest',
    /x is not in valid_values/,
  ],
  ['alice', 'a host', () => ({ 'binding:host_id': 'h' }), 403, 'PolicyNotAuthorized', /create_port:binding:host_id\)/],
  [
    'alice',
    'a profile',
    () => ({ 'binding:profile': { a: 1 } }),
    403,
    'PolicyNotAuthorized',
    /create_port:binding:profile\)/,
  ],
  [
    'alice',
    'an option without value',
    () => ({ extra_dhcp_opts: [{ opt_name: 'mtu' }] }),
    400,
    'HTTPBadRequest',
    /opt_value/,
  ],
  [
    'alice',
    'an option without name',
    () => ({ extra_dhcp_opts: [{ opt_name: ' ', opt_value: 'x' }] }),
    400,
    'HTTPBadRequest',
    /Blank/,
  ],
  [
    'alice',
    'a blank option',
    () => ({ extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '' }] }),
    400,
    'HTTPBadRequest',
    /Blank/,
  ],
  [
    'alice',
    'an option of two lines',
    () => ({ extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1\ndhcp-script=x' }] }),
    400,
    'HTTPBadRequest',
    /control character/,
  ],
  [
    'alice',
    'an option of IPv5',
    () => ({ extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1', ip_version: 5 }] }),
    400,
    'HTTPBadRequest',
    /5 is not in valid_values/,
  ],
  [
    'alice',
    'a bad DNS name',
    () => ({ dns_name: 'a_b' }),
    400,
    'HTTPBadRequest',
    /^Invalid input for dns_name\. Reason: 'a_b' not a valid PQDN or FQDN/,
  ],
  ['alice', 'a tag twice', () => ({ tags: ['a', 'a'] }), 400, 'InvalidInput', /Duplicate items in the list: 'a'/],
  [
    'alice',
    'too many tags',
    () => ({ tags: Array.from({ length: 51 }, (_, i) => `${i}`) }),
    400,
    'BadRequest',
    /exceed the per-resource limit of 50$/,
  ],
  [
    'alice',
    'an owner of the service',
    () => ({ device_owner: 'network:dhcp' }),
    403,
    'PolicyNotAuthorized',
    /device_owner/,
  ],
  [
    'alice',
    'a long owner',
    () => ({ device_owner: 'x'.repeat(256) }),
    400,
    'HTTPBadRequest',
    /exceeds maximum length of 255/,
  ],
  ['alice', 'a status', () => ({ status: 'ACTIVE' }), 400, 'HTTPBadRequest', /not allowed in POST$/],
  [
    'alice',
    'a QoS policy',
    () => ({ qos_policy_id: UNKNOWN }),
    400,
    'HTTPBadRequest',
    /QoS policies are not supported/,
  ],
];

for (const [who, what, values, status, type, message] of REFUSED) {
  test(`refused, by ${who}: ${what}: ${status} ${type}`, async () => {
    const before = (await api.expect('admin', 'GET', '/ports?fields=id')).length;
    const answer = await post(values(), who);
    assert.deepEqual([answer.status, answer.body.NeutronError?.type], [status, type], JSON.stringify(answer.body));
    assert.match(answer.body.NeutronError.message, message);
    assert.equal((await api.expect('admin', 'GET', '/ports?fields=id')).length, before);
  });
}
