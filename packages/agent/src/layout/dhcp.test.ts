import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects } from '@portward/model/feed.ts';
import { dhcpService } from './dhcp.ts';

const NETWORK = { id: '11111111-2222-3333-4444-555555555555', mtu: 1450 };

const subnet = (id: string, fields: Partial<FeedObjects['subnet']> = {}): FeedObjects['subnet'] => ({
  id,
  network_id: NETWORK.id,
  ip_version: 4,
  cidr: '192.168.2.0/24',
  gateway_ip: '192.168.2.1',
  enable_dhcp: true,
  dns_nameservers: ['8.8.8.8'],
  host_routes: [],
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  revision_number: 1,
  ...fields,
});

const port = (id: string, address: string, fields: Partial<FeedObjects['port']> = {}): FeedObjects['port'] => ({
  id,
  project_id: 'p',
  name: '',
  network_id: NETWORK.id,
  admin_state_up: true,
  mac_address: `fa:16:3e:00:00:0${id.length}`,
  fixed_ips: [{ subnet_id: 's1', ip_address: address }],
  device_id: 'server',
  device_owner: 'compute:nova',
  security_groups: [],
  port_security_enabled: true,
  allowed_address_pairs: [],
  'binding:host_id': 'h',
  extra_dhcp_opts: [],
  dns_name: '',
  revision_number: 1,
  ...fields,
});

const ipv6Subnet = (id: string, fields: Partial<FeedObjects['subnet']> = {}): FeedObjects['subnet'] =>
  subnet(id, { ip_version: 6, cidr: 'fd00::/64', gateway_ip: 'fd00::1', dns_nameservers: [], ...fields });

const server = port('dhcpport-0000', '192.168.2.2', {
  device_owner: 'network:dhcp',
  device_id: `dhcp0-${NETWORK.id}`,
  mac_address: 'fa:16:3e:ff:ff:ff',
});

test('each port has its own address, its subnet’s options, and nothing else is served', () => {
  const gateway = port('g', '192.168.2.1', { device_owner: 'network:router_interface' });
  const service = dhcpService(
    NETWORK,
    [subnet('s1')],
    [port('b', '192.168.2.80'), server, gateway, port('aa', '192.168.2.79')],
  );
  assert.ok(service);
  assert.equal(service.namespace, `qdhcp-${NETWORK.id}`);
  assert.equal(service.device, 'ns-dhcpport-00');
  assert.equal(
    service.hosts,
    'fa:16:3e:00:00:02,host-192-168-2-79.openstacklocal,192.168.2.79\n' +
      'fa:16:3e:00:00:01,host-192-168-2-80.openstacklocal,192.168.2.80\n',
  );
  assert.equal(service.options, 'tag:subnet-s1,option:router,192.168.2.1\ntag:subnet-s1,option:dns-server,8.8.8.8\n');
  assert.ok(service.argv.includes('--dhcp-range=set:subnet-s1,192.168.2.0,static,255.255.255.0,86400s'));
  assert.ok(service.argv.includes('--dhcp-option-force=option:mtu,1450'));
  assert.ok(service.argv.includes('--port=0'));
  assert.ok(service.argv.includes('--no-hosts') && service.argv.includes('--no-resolv'));
});

test('the order in which objects are told makes no difference; any change of them does', () => {
  const ports = [server, port('a', '192.168.2.3'), port('bb', '192.168.2.4')];
  const subnets = [subnet('s1'), subnet('s2', { cidr: '10.0.0.0/8' })];
  const digest = dhcpService(NETWORK, subnets, ports)?.digest;
  assert.equal(dhcpService(NETWORK, subnets.toReversed(), ports.toReversed())?.digest, digest);
  assert.notEqual(dhcpService({ ...NETWORK, mtu: 1400 }, subnets, ports)?.digest, digest);
  assert.notEqual(dhcpService(NETWORK, subnets, ports.slice(0, 2))?.digest, digest);
});

test('without a subnet that wants DHCP, or without a DHCP port, there is no service', () => {
  assert.equal(dhcpService(NETWORK, [subnet('s1', { enable_dhcp: false })], [server]), undefined);
  const slaac = ipv6Subnet('s6', { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' });
  assert.equal(dhcpService(NETWORK, [slaac], [server]), undefined, 'routers tell all that there is to know');
  const elsewhere = ipv6Subnet('s6', { ipv6_ra_mode: 'dhcpv6-stateful' });
  assert.equal(dhcpService(NETWORK, [elsewhere], [server]), undefined, 'addresses come from somebody else');
  const wide = ipv6Subnet('s6', { cidr: 'fd00::/48', ipv6_address_mode: 'dhcpv6-stateful' });
  assert.equal(dhcpService(NETWORK, [wide], [server]), undefined, 'dnsmasq serves no network as large');
  assert.equal(dhcpService(NETWORK, [subnet('s1')], [port('a', '192.168.2.3')]), undefined);
});

test('host routes come with the default route, to all kinds of clients', () => {
  const routes = [{ destination: '10.5.0.0/16', nexthop: '192.168.2.9' }];
  const service = dhcpService(NETWORK, [subnet('s1', { host_routes: routes })], [server]);
  assert.match(
    service?.options ?? '',
    /^tag:subnet-s1,121,10\.5\.0\.0\/16,192\.168\.2\.9,0\.0\.0\.0\/0,192\.168\.2\.1$/m,
  );
  assert.match(service?.options ?? '', /^tag:subnet-s1,249,/m);
});

test('without name servers the network’s own names are answered', () => {
  const service = dhcpService(
    NETWORK,
    [subnet('s1', { dns_nameservers: [], gateway_ip: null })],
    [server, port('a', '192.168.2.3', { dns_name: 'Web.example.org' })],
  );
  assert.equal(service?.argv.includes('--port=0'), false);
  assert.equal(service?.options, 'tag:subnet-s1,option:router\ntag:subnet-s1,option:dns-server,192.168.2.2\n');
  assert.equal(service?.names, '192.168.2.3 web.openstacklocal web\n');
});

test('a port’s own options count for it alone, and cannot smuggle lines into the files', () => {
  const options = [
    { opt_name: 'bootfile-name', opt_value: 'pxe.0', ip_version: 4 },
    { opt_name: '150', opt_value: '10.0.0.1', ip_version: 4 },
    { opt_name: 'tftp-server', opt_value: 'a\ntag:subnet-s1,option:router,6.6.6.6', ip_version: 4 },
    { opt_name: 'x,option:router', opt_value: '6.6.6.6', ip_version: 4 },
    { opt_name: 'dns-server', opt_value: 'fd00::1', ip_version: 6 },
  ];
  const evil = { extra_dhcp_opts: options, dns_name: 'a,6.6.6.6' };
  const service = dhcpService(NETWORK, [subnet('s1')], [server, port('a', '192.168.2.3', evil)]);
  assert.equal(service?.hosts, 'fa:16:3e:00:00:01,set:port-a,host-192-168-2-3.openstacklocal,192.168.2.3\n');
  assert.deepEqual(service?.options.split('\n').slice(2), [
    'tag:port-a,option:bootfile-name,pxe.0',
    'tag:port-a,150,10.0.0.1',
    'tag:port-a,option6:dns-server,[fd00::1]',
    '',
  ]);
});

test('a port on several subnets has an entry for each, in its own order, and one address of each', () => {
  const addresses = [
    { subnet_id: 's2', ip_address: '10.0.0.7' },
    { subnet_id: 's1', ip_address: '192.168.2.9' },
    { subnet_id: 's1', ip_address: '192.168.2.8' },
    { subnet_id: 's6', ip_address: 'fd00::7' },
    { subnet_id: 'slaac', ip_address: 'fd01::7' },
  ];
  const service = dhcpService(
    NETWORK,
    [
      subnet('s1'),
      subnet('s2', { cidr: '10.0.0.0/8' }),
      ipv6Subnet('s6', { ipv6_ra_mode: 'dhcpv6-stateful', ipv6_address_mode: 'dhcpv6-stateful' }),
      ipv6Subnet('slaac', { cidr: 'fd01::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }),
    ],
    [server, port('a', '', { fixed_ips: addresses })],
  );
  assert.equal(
    service?.hosts,
    'fa:16:3e:00:00:01,host-10-0-0-7.openstacklocal,10.0.0.7\n' +
      'fa:16:3e:00:00:01,host-192-168-2-9.openstacklocal,192.168.2.9\n' +
      'fa:16:3e:00:00:01,host-fd00--7.openstacklocal,[fd00::7]\n',
  );
  assert.deepEqual(Object.keys(service?.leases ?? {}), ['10.0.0.7', '192.168.2.9', 'fd00::7']);
  assert.match(service?.names ?? '', /^fd01::7 host-fd01--7/m, 'names are also of addresses that nobody gives');
  assert.ok(service?.argv.includes('--dhcp-range=set:subnet-s6,fd00::,static,64,86400s'));
  assert.equal(
    service?.argv.some((argument) => argument.includes('fd01::')),
    false,
  );
});

test('options of DHCPv6: by kind of subnet and port, addresses in brackets', () => {
  const options = [
    { opt_name: '31', opt_value: 'fd00::7b,fd00::7c', ip_version: 6 },
    { opt_name: 'bootfile-url', opt_value: 'http://boot', ip_version: 6 },
    { opt_name: 'bootfile-name', opt_value: 'pxe.0', ip_version: 4 },
  ];
  const fixed_ips = [{ subnet_id: 's6', ip_address: 'fd00::7' }];
  const stateless = ipv6Subnet('s6', {
    ipv6_ra_mode: 'dhcpv6-stateless',
    ipv6_address_mode: 'dhcpv6-stateless',
    dns_nameservers: ['2001:db8::53', '9.9.9.9'],
  });
  const plain = port('aa', '', { fixed_ips });
  const ports = [server, port('a', '', { fixed_ips, extra_dhcp_opts: options }), plain];
  const service = dhcpService(NETWORK, [stateless], ports);
  assert.equal(service?.hosts, 'fa:16:3e:00:00:01,set:port-a\n');
  assert.deepEqual(service?.leases, {});
  assert.deepEqual(service?.options.split('\n'), [
    'tag:subnet-s6,option6:dns-server,[2001:db8::53]',
    'tag:subnet-s6,option6:domain-search,openstacklocal',
    'tag:port-a,option6:31,[fd00::7b],[fd00::7c]',
    'tag:port-a,option6:bootfile-url,http://boot',
    'tag:port-a,option:bootfile-name,pxe.0',
    '',
  ]);
  assert.ok(service?.argv.includes('--port=0'));
  const told = { ...stateless, ipv6_address_mode: 'dhcpv6-stateful' as const };
  assert.equal(
    dhcpService(NETWORK, [told], ports)?.hosts.split('\n')[0],
    'fa:16:3e:00:00:01,set:port-a,host-fd00--7.openstacklocal,[fd00::7]',
  );
});

test('0.0.0.0 and :: as name server mean none', () => {
  const subnets = [
    subnet('s1', { dns_nameservers: ['0.0.0.0'] }),
    ipv6Subnet('s6', { ipv6_address_mode: 'dhcpv6-stateful', dns_nameservers: ['::'] }),
  ];
  const service = dhcpService(NETWORK, subnets, [server]);
  assert.match(service?.options ?? '', /^tag:subnet-s1,option:dns-server$/m);
  assert.match(service?.options ?? '', /^tag:subnet-s6,option6:dns-server$/m);
  assert.ok(service?.argv.includes('--port=0'));
});

test('the server’s name among DHCPv6 clients follows from the network', () => {
  const service = dhcpService(NETWORK, [subnet('s1')], [server]);
  assert.equal(service?.duid, '00:04:11:11:11:11:22:22:33:33:44:44:55:55:55:55:55:55');
});
