import { NETWORK, PROJECT, SUBNET } from './columns.ts';
import type { Step } from './step.ts';

/** Networks and subnets. */
export const NETWORK_STEPS: readonly Step[] = [
  { run: 'network list', says: '' },
  {
    run: "network create --description 'the first' --mtu 1400 --dns-domain example.org. --disable-port-security --disable --tag a --tag b one",
    rows: NETWORK.show,
    as: 'one',
    has: {
      ...{ name: 'one', description: 'the first', mtu: 1400, dns_domain: 'example.org.' },
      ...{ port_security_enabled: false, admin_state_up: false, tags: ['a', 'b'], subnets: [], status: 'ACTIVE' },
    },
  },
  {
    run: 'network create --external --default --provider-network-type flat --provider-physical-network public outside',
    rows: NETWORK.show,
    as: 'outside',
    has: {
      ...{ 'router:external': true, is_default: true, 'provider:network_type': 'flat' },
      ...{ 'provider:physical_network': 'public', 'provider:segmentation_id': null },
    },
  },
  { run: 'project show demo', rows: PROJECT.show, as: 'demo' },
  {
    run: 'network create --project demo --share --internal --no-default --enable-port-security --availability-zone-hint nova --provider-network-type local shared',
    rows: NETWORK.show,
    as: 'shared',
    has: { project_id: '{demo.id}', shared: true, availability_zone_hints: ['nova'], 'provider:network_type': 'local' },
  },
  { run: 'network list', columns: NETWORK.list, has: [{ Name: 'one' }, { Name: 'outside' }, { Name: 'shared' }] },
  {
    run: 'network list --long --name one',
    columns: NETWORK.long,
    has: [{ ID: '{one.id}', Status: 'ACTIVE', State: false, Shared: false, 'Router Type': false, Tags: ['a', 'b'] }],
  },
  { run: 'network list --external', columns: NETWORK.list, has: [{ Name: 'outside' }] },
  { run: 'network list --internal', columns: NETWORK.list, has: [{ Name: 'one' }, { Name: 'shared' }] },
  { run: 'network list --share', columns: NETWORK.list, has: [{ Name: 'shared' }] },
  { run: 'network list --no-share', columns: NETWORK.list, has: [{ Name: 'one' }, { Name: 'outside' }] },
  { run: 'network list --enable', columns: NETWORK.list, has: [{ Name: 'shared' }, { Name: 'outside' }] },
  { run: 'network list --disable', columns: NETWORK.list, has: [{ Name: 'one' }] },
  { run: 'network list --status DOWN', says: '' },
  { run: 'network list --project demo', columns: NETWORK.list, has: [{ Name: 'shared' }] },
  { run: 'network list --provider-network-type flat', columns: NETWORK.list, has: [{ Name: 'outside' }] },
  { run: 'network list --provider-physical-network public', columns: NETWORK.list, has: [{ Name: 'outside' }] },
  { run: 'network list --provider-segment 7', says: '' },
  { run: 'network list --tags a,b', columns: NETWORK.list, has: [{ Name: 'one' }] },
  { run: 'network list --any-tags b,c', columns: NETWORK.list, has: [{ Name: 'one' }] },
  {
    run: 'network list --not-tags a,c',
    columns: NETWORK.list,
    has: [{ Name: 'one' }, { Name: 'shared' }, { Name: 'outside' }],
  },
  { run: 'network list --not-any-tags a,c', columns: NETWORK.list, has: [{ Name: 'shared' }, { Name: 'outside' }] },
  {
    run: "network set --name uno --enable --description 'now another' --mtu 1450 --dns-domain example.net. --enable-port-security --tag c one",
  },
  {
    run: 'network show uno',
    rows: NETWORK.show,
    has: {
      ...{ id: '{one.id}', admin_state_up: true, description: 'now another', mtu: 1450, dns_domain: 'example.net.' },
      ...{ port_security_enabled: true, tags: ['a', 'b', 'c'] },
    },
  },
  { run: 'network set --no-default outside' },
  { run: 'network set --share --external --default uno' },
  {
    run: 'network show {one.id}',
    rows: NETWORK.show,
    has: { shared: true, 'router:external': true, is_default: true },
  },
  { run: 'network set --no-share --internal --no-default --no-tag --tag z uno' },
  {
    run: 'network show uno',
    rows: NETWORK.show,
    has: { shared: false, 'router:external': false, is_default: false, tags: ['z'] },
  },
  { run: 'network unset --tag z uno' },
  { run: 'network unset --all-tag uno' },
  { run: 'network show shared', by: 'portward-demo', rows: NETWORK.show, has: { 'provider:network_type': null } },
  {
    run: 'network set --external shared',
    by: 'portward-demo',
    says: /^HttpException: 403: Client Error for url: \S+, \(rule:update_network and rule:update_network:router:external\) is disallowed by policy$/,
  },
  { run: 'network show uno', by: 'portward-demo', says: 'Error while executing command: No Network found for uno' },

  {
    run: "subnet create --network uno --subnet-range 10.1.0.0/24 --gateway 10.1.0.254 --allocation-pool start=10.1.0.10,end=10.1.0.20 --allocation-pool start=10.1.0.30,end=10.1.0.40 --dns-nameserver 10.1.0.2 --dns-nameserver 10.1.0.3 --host-route destination=10.9.0.0/24,gateway=10.1.0.9 --service-type compute:nova --description 'first one' --tag t --no-dhcp first",
    rows: SUBNET.show,
    as: 'first',
    has: {
      allocation_pools: [
        { start: '10.1.0.10', end: '10.1.0.20' },
        { start: '10.1.0.30', end: '10.1.0.40' },
      ],
      host_routes: [{ destination: '10.9.0.0/24', nexthop: '10.1.0.9' }],
      dns_nameservers: ['10.1.0.2', '10.1.0.3'],
      ...{ cidr: '10.1.0.0/24', gateway_ip: '10.1.0.254', ip_version: 4, enable_dhcp: false, network_id: '{one.id}' },
      ...{ service_types: ['compute:nova'], description: 'first one', tags: ['t'], subnetpool_id: null },
    },
  },
  {
    run: 'subnet create --network uno --subnet-range 10.2.0.0/24 --gateway none --dhcp second',
    rows: SUBNET.show,
    has: { gateway_ip: null, allocation_pools: [{ start: '10.2.0.1', end: '10.2.0.254' }], enable_dhcp: true },
  },
  {
    run: 'subnet create --network uno --subnet-range 10.3.0.0/24 --gateway auto third',
    rows: SUBNET.show,
    has: { gateway_ip: '10.3.0.1' },
  },
  {
    run: 'subnet create --network uno --ip-version 6 --subnet-range 2001:db8:1::/64 --ipv6-ra-mode slaac --ipv6-address-mode slaac six',
    rows: SUBNET.show,
    has: { ip_version: 6, ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac', gateway_ip: '2001:db8:1::1' },
  },
  {
    run: 'subnet list',
    columns: SUBNET.list,
    has: [
      { Name: 'first', Subnet: '10.1.0.0/24', Network: '{one.id}' },
      { Name: 'second' },
      { Name: 'third' },
      { Name: 'six' },
    ],
  },
  {
    run: 'subnet list --long --name first',
    columns: SUBNET.long,
    has: [
      {
        ...{ DHCP: false, 'Name Servers': ['10.1.0.2', '10.1.0.3'], 'IP Version': 4, Gateway: '10.1.0.254' },
        ...{ 'Service Types': ['compute:nova'], Tags: ['t'] },
      },
    ],
  },
  { run: 'subnet list --ip-version 6', columns: SUBNET.list, has: [{ Name: 'six' }] },
  { run: 'subnet list --no-dhcp', columns: SUBNET.list, has: [{ Name: 'first' }] },
  { run: 'subnet list --dhcp', columns: SUBNET.list, has: [{ Name: 'second' }, { Name: 'third' }, { Name: 'six' }] },
  { run: 'subnet list --network outside', says: '' },
  { run: 'subnet list --gateway 10.3.0.1', columns: SUBNET.list, has: [{ Name: 'third' }] },
  { run: 'subnet list --subnet-range 10.2.0.0/24', columns: SUBNET.list, has: [{ Name: 'second' }] },
  // This version of the client's library has no such query, whoever the server is.
  { run: 'subnet list --service-type compute:nova', says: 'Invalid query params: service_types' },
  { run: 'subnet list --project demo', says: '' },
  { run: 'subnet list --tags t', columns: SUBNET.list, has: [{ Name: 'first' }] },
  {
    run: 'subnet set --name erstes --dhcp --gateway 10.1.0.253 --description changed --dns-nameserver 10.1.0.4 --host-route destination=10.8.0.0/24,gateway=10.1.0.8 --allocation-pool start=10.1.0.50,end=10.1.0.60 --service-type network:dhcp --tag u first',
  },
  {
    run: 'subnet show erstes',
    rows: SUBNET.show,
    has: {
      ...{ id: '{first.id}', enable_dhcp: true, gateway_ip: '10.1.0.253', description: 'changed', tags: ['t', 'u'] },
      dns_nameservers: ['10.1.0.4', '10.1.0.2', '10.1.0.3'],
      host_routes: /10\.8\.0\.0.*10\.9\.0\.0|10\.9\.0\.0.*10\.8\.0\.0/,
      allocation_pools: /10\.1\.0\.50/,
      service_types: /network:dhcp/,
    },
  },
  {
    run: 'subnet unset --dns-nameserver 10.1.0.2 --host-route destination=10.8.0.0/24,gateway=10.1.0.8 --allocation-pool start=10.1.0.50,end=10.1.0.60 --service-type network:dhcp --gateway --tag t erstes',
  },
  {
    run: 'subnet show erstes',
    rows: SUBNET.show,
    has: {
      ...{ dns_nameservers: ['10.1.0.4', '10.1.0.3'], gateway_ip: null, service_types: ['compute:nova'], tags: ['u'] },
      host_routes: [{ destination: '10.9.0.0/24', nexthop: '10.1.0.9' }],
    },
  },
  { run: 'subnet set --no-dns-nameservers --no-host-route --no-tag erstes' },
  { run: 'subnet show erstes', rows: SUBNET.show, has: { dns_nameservers: [], host_routes: [], tags: [] } },
  {
    run: 'subnet create --network uno --subnet-range 10.1.0.128/25 overlap',
    says: /^BadRequestException: 400: Client Error for url: http:\/\/127\.0\.0\.1:\d+\/networking\/v2\.0\/subnets, Invalid input for operation: Requested subnet with cidr: 10\.1\.0\.128\/25 for network: \S+ overlaps with another subnet\.$/,
  },

  {
    run: 'subnet delete nothing second nowhere',
    says: `Failed to delete subnet with name or ID 'nothing': No Subnet found for nothing
Failed to delete subnet with name or ID 'nowhere': No Subnet found for nowhere
2 of 3 subnets failed to delete.`,
  },
  { run: 'network create twin', rows: NETWORK.show },
  { run: 'network create twin', rows: NETWORK.show },
  { run: 'network show twin', says: "More than one Network exists with the name 'twin'." },
  { run: 'network delete uno outside shared' },
  {
    run: 'network delete uno nope',
    says: `Failed to delete network with name or ID 'uno': No Network found for uno
Failed to delete network with name or ID 'nope': No Network found for nope
2 of 2 networks failed to delete.`,
  },
];
