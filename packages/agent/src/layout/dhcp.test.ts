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
  assert.equal(dhcpService(NETWORK, [subnet('s6', { ip_version: 6, cidr: 'fd00::/64' })], [server]), undefined);
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
    '',
  ]);
});
