import { createHash } from 'node:crypto';
import { internalDevice, routerNamespace } from '@portward/model/device-names.ts';
import { formatIp, ipVersion, parseCidr } from '@portward/model/ip-address.ts';
import type { Item } from './item.ts';
import { service } from './make-item.ts';
import { bridgeOf, carries, type Port, routerInterfaces, type Subnet, subnetsOf, type World } from './world.ts';

/** What tells the hosts on a router's networks of IPv6: a dnsmasq that serves neither DHCP nor names. */
export interface AdvertisementService {
  /** The router's id. */
  readonly id: string;
  readonly namespace: string;
  /** dnsmasq's arguments, without paths: a change needs a restart. */
  readonly argv: readonly string[];
  /** Identifies all of the above. */
  readonly digest: string;
}

/** Seconds between two advertisements that nobody asked for, as in Neutron. */
const INTERVAL = 100;
/** Seconds for which a host uses a router that it hears nothing of; three intervals, RFC 4861. */
const LIFETIME = 3 * INTERVAL;
/** Seconds for which a host keeps an address of a prefix that it hears nothing of. */
const PREFIX_LIFETIME = 86_400;
/** What IPv6 demands of any link (RFC 8200); less cannot be told. */
const SMALLEST_MTU = 1280;
const SHORTEST_PREFIX = 64;

/** dnsmasq's word for a kind of prefix. `static` with --enable-ra: addresses are managed, hosts make none. */
const MODES: Readonly<Record<string, string>> = {
  slaac: 'ra-only',
  'dhcpv6-stateless': 'ra-stateless',
  'dhcpv6-stateful': 'static',
};

/** Router advertisements of a router, where this host carries it out and a subnet of it wants any. */
export function advertisementItems(world: World, routerId: string): Item[] {
  const router = world.replica.get('router', routerId);
  if (!carries(world, router)) return [];
  const interfaces = routerInterfaces(world, routerId).flatMap((port) => interfaceOf(world, port) ?? []);
  if (interfaces.length === 0) return [];
  const settings = { id: routerId, namespace: routerNamespace(routerId), argv: argumentsFor(interfaces) };
  const digest = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
  const advertised: AdvertisementService = { ...settings, digest };
  return [service('advertisement', routerId, settings.namespace, digest, advertised)];
}

interface Interface {
  readonly device: string;
  readonly mtu: number;
  readonly subnets: readonly Subnet[];
}

function interfaceOf(world: World, port: Port): Interface | undefined {
  const network = world.replica.get('network', port.network_id);
  if (network === undefined || bridgeOf(world, network) === undefined) return undefined;
  const subnets = subnetsOf(world, port)
    .map(({ subnet }) => subnet)
    .filter((subnet) => subnet.ip_version === 6 && subnet.ipv6_ra_mode !== null)
    .filter((subnet) => (parseCidr(subnet.cidr)?.prefix ?? 0) >= SHORTEST_PREFIX)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return subnets.length === 0 ? undefined : { device: internalDevice(port.id), mtu: network.mtu, subnets };
}

const argumentsFor = (interfaces: readonly Interface[]): string[] => [
  'dnsmasq',
  '--conf-file=',
  '--no-hosts',
  '--no-resolv',
  '--no-poll',
  '--port=0',
  '--except-interface=lo',
  '--bind-dynamic',
  '--enable-ra',
  '--quiet-ra',
  // It would answer DHCPv6 with "no addresses"; the network's own server has them.
  '--dhcp-ignore=tag:!advertisement',
  ...interfaces.flatMap(interfaceArguments),
];

function interfaceArguments({ device, mtu, subnets }: Interface): string[] {
  const servers = new Set(
    subnets.flatMap((subnet) => subnet.dns_nameservers).filter((server) => ipVersion(server) === 6 && server !== '::'),
  );
  // No subnet with a gateway: hosts learn their prefixes, and no way out.
  const lifetime = subnets.some((subnet) => subnet.gateway_ip !== null) ? LIFETIME : 0;
  return [
    `--interface=${device}`,
    `--ra-param=${device},mtu:${mtu < SMALLEST_MTU ? 'off' : mtu},${INTERVAL},${lifetime}`,
    ...(servers.size > 0 ? [`--dhcp-option=tag:${device},option6:dns-server,${bracketed(servers)}`] : []),
    ...subnets.flatMap((subnet) => {
      const cidr = parseCidr(subnet.cidr);
      const mode = MODES[subnet.ipv6_ra_mode ?? ''];
      if (cidr === undefined || mode === undefined) return [];
      return [`--dhcp-range=${formatIp(cidr.first, 6)},${mode},${cidr.prefix},${PREFIX_LIFETIME}s`];
    }),
  ];
}

const bracketed = (addresses: Iterable<string>): string => [...addresses].map((address) => `[${address}]`).join(',');
