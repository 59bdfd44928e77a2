import type { FeedKind, FeedObjects, FeedPut } from '@portward/model/feed.ts';

/** Small clouds for tests: objects as the feed tells them, with what does not matter filled in. */

export const HOST_NAME = 'host-1';

/** A UUID whose first eight digits are the number, so that names made of it can be told apart. */
export const uuid = (number: number): string => `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;

/** MAC address of a port. */
export const macOf = (number: number): string =>
  `fa:16:3e:00:${((number >> 8) & 255).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`;

const PROJECT = 'project';

export const network = (number: number, more: Partial<FeedObjects['network']> = {}): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'network',
  object: {
    id: uuid(number),
    project_id: PROJECT,
    name: `network-${number}`,
    admin_state_up: true,
    'router:external': false,
    'provider:network_type': 'local',
    'provider:physical_network': null,
    mtu: 1500,
    agent_host: HOST_NAME,
    revision_number: 1,
    ...more,
  },
});

/** A network on the operator's bridge. */
export const externalNetwork = (number: number, physical = 'public'): FeedPut =>
  network(number, {
    'router:external': true,
    'provider:network_type': 'flat',
    'provider:physical_network': physical,
  });

export const subnet = (
  number: number,
  networkNumber: number,
  cidr: string,
  gateway: string | null,
  more: Partial<FeedObjects['subnet']> = {},
): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'subnet',
  object: {
    id: uuid(number),
    network_id: uuid(networkNumber),
    ip_version: cidr.includes(':') ? 6 : 4,
    cidr,
    gateway_ip: gateway,
    enable_dhcp: false,
    dns_nameservers: [],
    host_routes: [],
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    revision_number: 1,
    ...more,
  },
});

export const port = (
  number: number,
  networkNumber: number,
  addresses: Record<string, number>,
  more: Partial<FeedObjects['port']> = {},
): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'port',
  object: {
    id: uuid(number),
    project_id: PROJECT,
    name: `port-${number}`,
    network_id: uuid(networkNumber),
    admin_state_up: true,
    mac_address: macOf(number),
    fixed_ips: Object.entries(addresses).map(([ip, subnetNumber]) => ({
      subnet_id: uuid(subnetNumber),
      ip_address: ip,
    })),
    device_id: '',
    device_owner: 'compute:nova',
    security_groups: [],
    port_security_enabled: true,
    allowed_address_pairs: [],
    'binding:host_id': HOST_NAME,
    extra_dhcp_opts: [],
    dns_name: '',
    revision_number: 1,
    ...more,
  },
});

/** A port of a router. */
export const routerPort = (
  number: number,
  networkNumber: number,
  addresses: Record<string, number>,
  routerNumber: number,
  owner: 'router_interface' | 'router_interface_distributed' | 'router_gateway' | 'router_centralized_snat',
): FeedPut =>
  port(number, networkNumber, addresses, {
    device_id: uuid(routerNumber),
    device_owner: `network:${owner}`,
    port_security_enabled: false,
    'binding:host_id': '',
  });

export const router = (number: number, more: Partial<FeedObjects['router']> = {}): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'router',
  object: {
    id: uuid(number),
    project_id: PROJECT,
    name: `router-${number}`,
    admin_state_up: true,
    distributed: false,
    ha: false,
    routes: [],
    agent_host: HOST_NAME,
    gateway_port_id: null,
    gateway_network_id: null,
    enable_snat: true,
    revision_number: 1,
    ...more,
  },
});

export const floatingIp = (
  number: number,
  networkNumber: number,
  address: string,
  routerNumber: number | null,
  target: { port: number; address: string } | null = null,
): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'floatingip',
  object: {
    id: uuid(number),
    project_id: PROJECT,
    floating_network_id: uuid(networkNumber),
    floating_ip_address: address,
    router_id: routerNumber === null ? null : uuid(routerNumber),
    port_id: target === null ? null : uuid(target.port),
    fixed_ip_address: target?.address ?? null,
    revision_number: 1,
  },
});

export const forwarding = (
  number: number,
  floatingIpNumber: number,
  external: number | [number, number],
  internalPort: number,
  internal: { address: string; port: number | [number, number] },
  protocol: FeedObjects['port_forwarding']['protocol'] = 'tcp',
): FeedPut => {
  const [externalFirst, externalLast] = typeof external === 'number' ? [external, external] : external;
  const [internalFirst, internalLast] =
    typeof internal.port === 'number' ? [internal.port, internal.port] : internal.port;
  return {
    seq: 0,
    op: 'put',
    kind: 'port_forwarding',
    object: {
      id: uuid(number),
      floatingip_id: uuid(floatingIpNumber),
      protocol,
      internal_port_id: uuid(internalPort),
      internal_ip_address: internal.address,
      external_first: externalFirst,
      external_last: externalLast,
      internal_first: internalFirst,
      internal_last: internalLast,
      revision_number: 1,
    },
  };
};

export const addressGroup = (number: number, ...addresses: string[]): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'address_group',
  object: { id: uuid(number), addresses, revision_number: 1 },
});

export const securityGroup = (number: number, stateful = true): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'security_group',
  object: { id: uuid(number), project_id: PROJECT, name: `group-${number}`, stateful, revision_number: 1 },
});

export const securityGroupRule = (
  number: number,
  groupNumber: number,
  direction: 'ingress' | 'egress',
  more: Partial<FeedObjects['security_group_rule']> = {},
): FeedPut => ({
  seq: 0,
  op: 'put',
  kind: 'security_group_rule',
  object: {
    id: uuid(number),
    security_group_id: uuid(groupNumber),
    direction,
    ethertype: 'IPv4',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
    remote_address_group_id: null,
    revision_number: 1,
    ...more,
  },
});

export const gone = (kind: FeedKind, number: number) => ({ seq: 0, op: 'delete', kind, id: uuid(number) }) as const;

/** Numbers of the objects of `articleCloud`. */
export const N = {
  external: 0xe0,
  externalSubnet: 0xe1,
  private: 0xa0,
  privateSubnet: 0xa1,
  router: 0xe3266d21,
  gateway: 0xb0,
  interface: 0xb1,
  snat: 0xb2,
  group: 0xc0,
  vm1: 0xd1,
  vm2: 0xd2,
  floatingIp: 0xf0,
  forwarding1: 0x0011665d,
  forwarding2: 0x0011665e,
  ssh: 0xc5,
} as const;

/**
 * The cloud of the article: an external network 10.11.7.0/24 on the bridge of `public`, a private one 192.168.2.0/24
 * with two VMs, a router between them, one floating IP with a forwarding to each VM's port 22. The VMs' group lets
 * them send, and receive from each other; `ssh` opens port 22.
 */
export function articleCloud(distributed: boolean): FeedPut[] {
  return [
    externalNetwork(N.external),
    subnet(N.externalSubnet, N.external, '10.11.7.0/24', '10.11.7.1'),
    network(N.private, { mtu: 1450 }),
    subnet(N.privateSubnet, N.private, '192.168.2.0/24', '192.168.2.1'),
    securityGroup(N.group),
    securityGroupRule(0xc1, N.group, 'egress'),
    securityGroupRule(0xc2, N.group, 'egress', { ethertype: 'IPv6' }),
    securityGroupRule(0xc3, N.group, 'ingress', { remote_group_id: uuid(N.group) }),
    router(N.router, {
      distributed,
      gateway_port_id: uuid(N.gateway),
      gateway_network_id: uuid(N.external),
    }),
    routerPort(N.gateway, N.external, { '10.11.7.3': N.externalSubnet }, N.router, 'router_gateway'),
    routerPort(
      N.interface,
      N.private,
      { '192.168.2.1': N.privateSubnet },
      N.router,
      distributed ? 'router_interface_distributed' : 'router_interface',
    ),
    ...(distributed
      ? [routerPort(N.snat, N.private, { '192.168.2.4': N.privateSubnet }, N.router, 'router_centralized_snat')]
      : []),
    port(N.vm1, N.private, { '192.168.2.79': N.privateSubnet }, { security_groups: [uuid(N.group)] }),
    port(N.vm2, N.private, { '192.168.2.80': N.privateSubnet }, { security_groups: [uuid(N.group)] }),
    floatingIp(N.floatingIp, N.external, '10.11.7.4', N.router),
    forwarding(N.forwarding1, N.floatingIp, 2222, N.vm1, { address: '192.168.2.79', port: 22 }),
    forwarding(N.forwarding2, N.floatingIp, 2023, N.vm2, { address: '192.168.2.80', port: 22 }),
  ];
}

/** Opens port 22 of the article's VMs. */
export const sshRule = (): FeedPut =>
  securityGroupRule(N.ssh, N.group, 'ingress', { protocol: 'tcp', port_range_min: 22, port_range_max: 22 });
