import { FLOATING_IP, NETWORK, PORT, PORT_FORWARDING, PROJECT, ROUTER, SUBNET } from './columns.ts';
import type { Step } from './step.ts';

/** Routers, floating IPs and their port forwardings. */
export const ROUTER_STEPS: readonly Step[] = [
  { run: 'project show demo', rows: PROJECT.show, as: 'demo' },
  {
    run: 'network create --external --provider-network-type flat --provider-physical-network public ext-net',
    rows: NETWORK.show,
    as: 'ext',
  },
  {
    run: 'subnet create --network ext-net --subnet-range 203.0.113.0/24 --no-dhcp ext-sub',
    rows: SUBNET.show,
    as: 'extsub',
  },
  { run: 'network create net', rows: NETWORK.show },
  { run: 'subnet create --network net --subnet-range 10.1.0.0/24 sub', rows: SUBNET.show, as: 'sub' },
  { run: 'network create net2', rows: NETWORK.show },
  { run: 'subnet create --network net2 --subnet-range 10.2.0.0/24 sub2', rows: SUBNET.show },

  {
    run: "router create --distributed --ha --description 'a router' --external-gateway ext-net --fixed-ip subnet=ext-sub,ip-address=203.0.113.3 --disable-snat --disable --tag r router",
    rows: ROUTER.create,
    as: 'router',
    has: {
      ...{ distributed: true, ha: true, description: 'a router', admin_state_up: false, routes: [], tags: ['r'] },
      external_gateway_info: {
        network_id: '{ext.id}',
        external_fixed_ips: [{ subnet_id: '{extsub.id}', ip_address: '203.0.113.3' }],
        enable_snat: false,
      },
    },
  },
  {
    run: 'router create --centralized --no-ha --project demo --availability-zone-hint nova other',
    rows: ROUTER.create,
    as: 'other',
    has: {
      distributed: false,
      ha: false,
      external_gateway_info: null,
      project_id: '{demo.id}',
      availability_zone_hints: ['nova'],
    },
  },
  {
    run: 'router list',
    columns: ROUTER.admin,
    has: [
      { Name: 'router', State: false, Distributed: true, HA: true },
      { Name: 'other', State: true, Status: /ACTIVE|DOWN/ },
    ],
  },
  { run: 'router list', by: 'portward-demo', columns: ROUTER.list, has: [{ Name: 'other' }] },
  {
    run: 'router list --long --name router',
    columns: ROUTER.long,
    has: [{ Tags: ['r'], Routes: [], 'External gateway info': /203\.0\.113\.3/ }],
  },
  { run: 'router list --enable', columns: ROUTER.admin, has: [{ Name: 'other' }] },
  { run: 'router list --disable --tags r', columns: ROUTER.admin, has: [{ Name: 'router' }] },
  { run: 'router list --project demo', columns: ROUTER.admin, has: [{ Name: 'other' }] },
  {
    run: 'router set --name Router --enable --description changed --enable-snat --external-gateway ext-net --tag s router',
  },
  { run: 'router add subnet Router sub' },
  { run: 'port create --network net2 --fixed-ip ip-address=10.2.0.1 leg', rows: PORT.show, as: 'leg' },
  { run: 'router add port Router leg' },
  {
    run: 'router show Router',
    rows: ROUTER.show,
    has: {
      ...{ name: 'Router', admin_state_up: true, description: 'changed', tags: ['r', 's'], tenant_id: /./ },
      external_gateway_info: /"enable_snat":true/,
      interfaces_info: /10\.1\.0\.1.*10\.2\.0\.1|10\.2\.0\.1.*10\.1\.0\.1/,
    },
  },
  {
    run: 'router set --route destination=10.9.0.0/24,gateway=10.1.0.9 --route destination=10.8.0.0/24,gateway=10.2.0.9 Router',
  },
  { run: 'router set --route destination=10.7.0.0/24,gateway=10.1.0.9 Router' },
  { run: 'router show Router', rows: ROUTER.show, has: { routes: /10\.7\.0\.0/ } },
  { run: 'router unset --route destination=10.7.0.0/24,gateway=10.1.0.9 Router' },
  {
    run: 'router add route --route destination=10.6.0.0/24,gateway=10.1.0.6 --route destination=10.9.0.0/24,gateway=10.1.0.9 Router',
    rows: ROUTER.create,
    has: { routes: /10\.6\.0\.0/ },
  },
  {
    run: 'router remove route --route destination=10.9.0.0/24,gateway=10.1.0.9 --route destination=10.5.0.0/24,gateway=10.1.0.5 Router',
    rows: ROUTER.create,
  },
  {
    run: 'router remove subnet Router sub',
    says: /^ConflictException: 409: Client Error for url: \S+, Router interface for subnet {sub.id} on router {router.id} cannot be deleted, as it is required by one or more routes\.$/,
  },
  { run: 'router set --no-route --no-tag Router' },
  { run: 'router show Router', rows: ROUTER.show, has: { routes: [], tags: [] } },
  { run: 'router unset --all-tag Router' },
  {
    run: 'router add subnet Router sub',
    says: /^BadRequestException: 400: Client Error for url: \S+, Bad router request: Router already has a port on subnet {sub.id}\.?$/,
  },
  {
    run: 'router delete Router',
    says: /^Failed to delete router with name or ID 'Router': ConflictException: 409: Client Error for url: \S+, Router {router.id} has ports still attached: \S+, \S+\n1 of 1 routers failed to delete\.$/,
  },

  { run: 'port create --network net --fixed-ip ip-address=10.1.0.10 vm1', rows: PORT.show, as: 'vm1' },
  {
    run: 'port create --network net --fixed-ip ip-address=10.1.0.11 --fixed-ip ip-address=10.1.0.12 vm2',
    rows: PORT.show,
    as: 'vm2',
  },
  {
    run: "floating ip create --floating-ip-address 203.0.113.10 --subnet ext-sub --port vm2 --fixed-ip-address 10.1.0.12 --description 'for vm2' --dns-name vm --dns-domain example.org. --tag f --tag g ext-net",
    rows: FLOATING_IP.show,
    as: 'fip',
    has: {
      ...{ floating_ip_address: '203.0.113.10', name: '203.0.113.10', port_id: '{vm2.id}', router_id: '{router.id}' },
      ...{ fixed_ip_address: '10.1.0.12', description: 'for vm2', dns_name: 'vm', dns_domain: 'example.org.' },
      ...{ status: 'DOWN', tags: ['f', 'g'], floating_network_id: '{ext.id}', port_details: /"mac_address"/ },
    },
  },
  {
    run: 'floating ip create --project demo ext-net',
    rows: FLOATING_IP.show,
    as: 'theirs',
    has: { project_id: '{demo.id}', port_id: null, fixed_ip_address: null, router_id: null, port_details: null },
  },
  {
    run: 'floating ip create --no-tag --floating-ip-address 203.0.113.20 ext-net',
    rows: FLOATING_IP.show,
    as: 'shared',
    has: { tags: [] },
  },
  {
    run: 'floating ip list',
    columns: FLOATING_IP.list,
    has: [
      {
        'Floating IP Address': '203.0.113.10',
        'Fixed IP Address': '10.1.0.12',
        Port: '{vm2.id}',
        'Floating Network': '{ext.id}',
      },
      { 'Floating IP Address': '203.0.113.20', 'Fixed IP Address': null, Port: null },
      { Project: '{demo.id}' },
    ],
  },
  {
    run: 'floating ip list --long --tags f,g',
    columns: FLOATING_IP.long,
    has: [
      {
        Router: '{router.id}',
        Status: 'DOWN',
        Description: 'for vm2',
        Tags: ['f', 'g'],
        'DNS Name': 'vm',
        'DNS Domain': 'example.org.',
      },
    ],
  },
  {
    run: 'floating ip list --network ext-net --router Router --status DOWN',
    columns: FLOATING_IP.list,
    has: [{ ID: '{fip.id}' }],
  },
  {
    run: 'floating ip list --port vm2 --fixed-ip-address 10.1.0.12',
    columns: FLOATING_IP.list,
    has: [{ ID: '{fip.id}' }],
  },
  {
    run: 'floating ip list --floating-ip-address 203.0.113.20',
    columns: FLOATING_IP.list,
    has: [{ ID: '{shared.id}' }],
  },
  { run: 'floating ip list --project demo', columns: FLOATING_IP.list, has: [{ ID: '{theirs.id}' }] },
  { run: 'floating ip list --status ACTIVE', says: '' },
  { run: 'floating ip list --any-tags g,h', columns: FLOATING_IP.list, has: [{ ID: '{fip.id}' }] },
  {
    run: 'floating ip list --not-tags f',
    columns: FLOATING_IP.list,
    has: [{ ID: '{theirs.id}' }, { ID: '{shared.id}' }],
  },
  {
    run: 'floating ip list --not-any-tags f,h',
    columns: FLOATING_IP.list,
    has: [{ ID: '{theirs.id}' }, { ID: '{shared.id}' }],
  },
  { run: 'floating ip show 203.0.113.10', rows: FLOATING_IP.show, has: { id: '{fip.id}' } },
  { run: 'floating ip unset --port --tag f 203.0.113.10' },
  {
    run: 'floating ip show {fip.id}',
    rows: FLOATING_IP.show,
    has: { port_id: null, router_id: null, fixed_ip_address: null, tags: ['g'] },
  },
  {
    run: 'floating ip set --port vm2 --fixed-ip-address 10.1.0.11 --description moved --no-qos-policy --tag h 203.0.113.10',
  },
  {
    run: 'floating ip show {fip.id}',
    rows: FLOATING_IP.show,
    has: { port_id: '{vm2.id}', fixed_ip_address: '10.1.0.11', description: 'moved', tags: ['g', 'h'] },
  },
  { run: 'floating ip unset --all-tag {fip.id}' },
  { run: 'floating ip set --no-tag --tag n {fip.id}' },

  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.10 --port vm1 --internal-protocol-port 22 --external-protocol-port 2222 --protocol tcp --description ssh 203.0.113.20',
    rows: PORT_FORWARDING.show,
    as: 'ssh',
    has: {
      ...{ protocol: 'tcp', internal_port: 22, external_port: 2222, internal_ip_address: '10.1.0.10' },
      ...{ internal_port_id: '{vm1.id}', description: 'ssh', name: null },
    },
  },
  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.10 --port {vm1.id} --internal-protocol-port 53 --external-protocol-port 2222 --protocol udp {shared.id}',
    rows: PORT_FORWARDING.show,
    as: 'dns',
    has: { protocol: 'udp', description: '' },
  },
  {
    run: 'floating ip port forwarding list 203.0.113.20',
    columns: PORT_FORWARDING.list,
    has: [
      {
        ID: '{ssh.id}',
        'Internal Port ID': '{vm1.id}',
        'Internal IP Address': '10.1.0.10',
        'Internal Port': 22,
        'External Port': 2222,
        Protocol: 'tcp',
        Description: 'ssh',
      },
      { ID: '{dns.id}', Protocol: 'udp' },
    ],
  },
  {
    run: 'floating ip port forwarding list --protocol udp --external-protocol-port 2222 --port vm1 203.0.113.20',
    columns: PORT_FORWARDING.list,
    has: [{ ID: '{dns.id}' }],
  },
  { run: 'floating ip port forwarding list --external-protocol-port 2223 203.0.113.20', says: '' },
  {
    run: 'floating ip port forwarding show 203.0.113.20 {ssh.id}',
    rows: PORT_FORWARDING.show,
    has: { id: '{ssh.id}', external_port: 2222 },
  },
  {
    run: 'floating ip port forwarding set --external-protocol-port 2022 --internal-protocol-port 2200 --protocol tcp --description other --port vm1 --internal-ip-address 10.1.0.10 203.0.113.20 {ssh.id}',
  },
  {
    run: 'floating ip port forwarding show 203.0.113.20 {ssh.id}',
    rows: PORT_FORWARDING.show,
    has: { external_port: 2022, internal_port: 2200, description: 'other' },
  },
  { run: 'floating ip show 203.0.113.20', rows: FLOATING_IP.show, has: { router_id: '{router.id}', port_id: null } },
  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.10 --port vm1 --internal-protocol-port 23 --external-protocol-port 2022 --protocol tcp 203.0.113.20',
    says: /^BadRequestException: 400: Client Error for url: \S+, Bad port_forwarding request: There is a port collision with the external_port_range\. The following ranges collides?: 2022:2022 and 2022:2022\.$/,
  },
  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.10 --port vm1 --internal-protocol-port 23 --external-protocol-port 2023 --protocol TCP 203.0.113.20',
    says: /^BadRequestException: 400: Client Error for url: \S+, Invalid input for protocol\. Reason: TCP is not in valid_values\.$/,
  },
  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.10 --port vm1 --internal-protocol-port 90:95 --external-protocol-port 1 --protocol tcp 203.0.113.20',
    says: /invalid int value: '90:95'$/,
  },
  {
    run: 'floating ip port forwarding create --internal-ip-address 10.1.0.11 --port vm2 --internal-protocol-port 23 --external-protocol-port 2023 --protocol tcp 203.0.113.20',
    says: /^ConflictException: 409: Client Error for url: \S+, Cannot create port forwarding to floating IP 203\.0\.113\.10 \({fip.id}\) with port {vm2.id} using fixed IP 10\.1\.0\.11, as that port already has a binding floating IP\.$/,
  },
  {
    run: 'floating ip set --port vm2 203.0.113.20',
    says: /^ConflictException: 409: Client Error for url: \S+, Floating IP {shared.id} in use by Port Forwarding resources\.$/,
  },
  {
    run: 'floating ip delete 203.0.113.20',
    says: /^Failed to delete floating_ip with name or ID '203\.0\.113\.20': ConflictException: 409: Client Error for url: \S+, Floating IP {shared.id} in use by Port Forwarding resources\.\n1 of 1 floating_ips failed to delete\.$/,
  },
  {
    run: 'router unset --external-gateway Router',
    says: /^ConflictException: 409: Client Error for url: \S+, Gateway cannot be updated for router {router.id}, since a gateway to external network {ext.id} is required by one or more floating IPs\.$/,
  },
  {
    run: 'router remove subnet Router sub',
    says: /^ConflictException: 409: .*cannot be deleted, as it is required by one or more floating IPs\.$/,
  },
  {
    run: 'floating ip port forwarding delete 203.0.113.20 {ssh.id} 11111111-2222-3333-4444-555555555555',
    says: /^Failed to delete floating IP port forwarding '11111111-2222-3333-4444-555555555555': ResourceNotFound: 404: Client Error for url: \S+, Port Forwarding 11111111-2222-3333-4444-555555555555 could not be found\.\n1 of 2 Port forwarding failed to delete\.$/,
  },
  { run: 'floating ip port forwarding delete 203.0.113.20 {dns.id}' },
  { run: 'floating ip port forwarding list 203.0.113.20', says: '' },
  { run: 'floating ip port forwarding list {fip.id}', by: 'portward-demo', says: 'No FloatingIP found for {fip.id}' },
  {
    run: 'floating ip create --floating-ip-address 203.0.113.99 ext-net',
    by: 'portward-demo',
    says: /^Error while executing command: HttpException: 403, \(rule:create_floatingip and rule:create_floatingip:floating_ip_address\) is disallowed by policy$/,
  },
  {
    run: 'floating ip delete 203.0.113.10 203.0.113.20 203.0.113.77 nothing',
    says: `Failed to delete floating_ip with name or ID '203.0.113.77': No FloatingIP found for 203.0.113.77
Failed to delete floating_ip with name or ID 'nothing': No FloatingIP found for nothing
2 of 4 floating_ips failed to delete.`,
  },
  { run: 'router unset --external-gateway Router' },
  { run: 'router show Router', rows: ROUTER.show, has: { external_gateway_info: null } },
  { run: 'router remove subnet Router sub' },
  { run: 'router remove port Router {leg.id}' },
  { run: 'port show leg', says: 'No Port found for leg' },
  { run: 'router delete Router other' },
  { run: 'router show Router', says: 'No Router found for Router' },
];
