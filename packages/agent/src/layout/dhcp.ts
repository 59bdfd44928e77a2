import { createHash } from 'node:crypto';
import { dhcpDevice, dhcpNamespace } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';
import { cidrContains, formatIp, parseCidr } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER } from '@portward/model/port.ts';
import { DOMAIN, hasOptions, isNameServer, portOptions, portTag, subnetOptions, subnetTag } from './dhcp-options.ts';

type Network = Pick<FeedObjects['network'], 'id' | 'mtu'>;
type Subnet = FeedObjects['subnet'];
type Port = FeedObjects['port'];

/** DHCP of one network: what a dnsmasq of its own is to be given. Lines of files end with a newline. */
export interface DhcpService {
  /** The network's id. */
  readonly id: string;
  readonly namespace: string;
  /** The device inside that it serves. */
  readonly device: string;
  /** dnsmasq's arguments, without paths: a change needs a restart. */
  readonly argv: readonly string[];
  /** Content of the files for --dhcp-hostsfile, --dhcp-optsfile and --addn-hosts, which can change while it runs. */
  readonly hosts: string;
  readonly options: string;
  readonly names: string;
  /** Address → MAC address of each lease that may be given. */
  readonly leases: Readonly<Record<string, string>>;
  /** What DHCPv6 clients know the server by (RFC 6355: made of the network's id), octets with colons between them. */
  readonly duid: string;
  /** Identifies all of the above. */
  readonly digest: string;
}

/** Seconds that a client may keep its address without asking again. */
const LEASE_SECONDS = 86_400;
/** A label as RFC 1123 has it: what a tenant chose gets into dnsmasq's files only so. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
/** The shortest prefix of an IPv6 network that dnsmasq serves. */
const SHORTEST_PREFIX = 64;

/** The port of the network's DHCP server. */
export function dhcpPort(networkId: string, ports: Iterable<Port>): Port | undefined {
  for (const port of ports) {
    if (port.device_owner === DEVICE_OWNER.dhcp && port.device_id.endsWith(networkId)) return port;
  }
  return undefined;
}

/**
 * Whether the network's DHCP server has anything to say on a subnet. On IPv6 it has where DHCPv6 is the mode for
 * addresses; a subnet that tells no modes at all is served as in Neutron, for routers that others run.
 */
function isServed(subnet: Subnet): boolean {
  if (!subnet.enable_dhcp) return false;
  if (subnet.ip_version === 4) return true;
  if ((parseCidr(subnet.cidr)?.prefix ?? 0) < SHORTEST_PREFIX) return false;
  return subnet.ipv6_address_mode === 'dhcpv6-stateless' || isLeased(subnet);
}

/** Whether the server gives addresses of a subnet. */
function isLeased(subnet: Subnet): boolean {
  if (subnet.ip_version === 4 || subnet.ipv6_address_mode === 'dhcpv6-stateful') return true;
  return subnet.ipv6_address_mode === null && subnet.ipv6_ra_mode === null;
}

/**
 * DHCP of a network out of its subnets and ports; undefined when no subnet of it wants DHCP, or it has no DHCP port.
 * Each port gets its own addresses, and nobody else any.
 */
export function dhcpService(
  network: Network,
  subnets: Iterable<Subnet>,
  ports: Iterable<Port>,
): DhcpService | undefined {
  const all = [...ports].sort((a, b) => (a.id < b.id ? -1 : 1));
  const server = dhcpPort(network.id, all);
  const known = [...subnets].sort((a, b) => (a.id < b.id ? -1 : 1));
  const served = known.filter(isServed);
  if (server === undefined || served.length === 0) return undefined;
  const clients = all.filter((port) => !port.device_owner.startsWith('network:'));
  const leased = served.filter(isLeased);
  const leases = clients.flatMap((port) => addressesOf(port, leased));
  const isStateless = leased.length < served.length;
  const service = {
    id: network.id,
    namespace: dhcpNamespace(network.id),
    device: dhcpDevice(server.id),
    argv: argumentsFor(network, served, dhcpDevice(server.id)),
    hosts: lines([
      ...leases.map(hostLine),
      ...(isStateless ? clients.filter((port) => hasOptions(port, 6)).map(optionsLine) : []),
    ]),
    options: lines([
      ...served.flatMap((subnet) => subnetOptions(subnet, server)),
      // dnsmasq prefers what comes later: a port's own options go before its subnet's.
      ...clients.flatMap(portOptions),
    ]),
    // Also of those who make their addresses themselves.
    names: lines(
      clients
        .flatMap((port) =>
          addressesOf(
            port,
            known.filter((subnet) => subnet.enable_dhcp),
          ),
        )
        .map((named) => `${named.address} ${named.name}.${DOMAIN} ${named.name}`),
    ),
    leases: Object.fromEntries(leases.map((lease) => [lease.address, lease.port.mac_address])),
    duid: duidOf(network.id),
  };
  return { ...service, digest: createHash('sha256').update(JSON.stringify(service)).digest('hex') };
}

interface NamedAddress {
  readonly port: Port;
  readonly address: string;
  readonly version: number;
  readonly name: string;
}

/** A port's first address of each subnet, in the port's order: dnsmasq gives a client one a subnet. */
function addressesOf(port: Port, subnets: readonly Subnet[]): NamedAddress[] {
  const seen = new Set<string>();
  return port.fixed_ips.flatMap(({ subnet_id: id, ip_address: address }) => {
    const subnet = subnets.find((candidate) => candidate.id === id);
    if (subnet === undefined || seen.has(id) || !cidrContains(subnet.cidr, address)) return [];
    seen.add(id);
    const label = port.dns_name.split('.')[0] ?? '';
    const name = LABEL.test(label) ? label.toLowerCase() : `host-${address.replaceAll(/[.:]/g, '-')}`;
    return [{ port, address, version: subnet.ip_version, name }];
  });
}

const hostLine = ({ port, address, version, name }: NamedAddress): string =>
  [
    port.mac_address,
    ...(hasOptions(port, version) ? [`set:${portTag(port)}`] : []),
    `${name}.${DOMAIN}`,
    version === 4 ? address : `[${address}]`,
  ].join(',');

/** Where DHCPv6 gives no addresses, an entry of the port's options alone. */
const optionsLine = (port: Port): string => `${port.mac_address},set:${portTag(port)}`;

function argumentsFor(network: Network, subnets: readonly Subnet[], device: string): string[] {
  const answersNames = subnets.some((subnet) => isNameServer(subnet));
  return [
    'dnsmasq',
    '--conf-file=',
    '--no-hosts',
    '--no-resolv',
    '--no-poll',
    `--interface=${device}`,
    '--except-interface=lo',
    '--bind-dynamic',
    `--domain=${DOMAIN}`,
    ...(answersNames ? [`--local=/${DOMAIN}/`] : ['--port=0']),
    '--dhcp-authoritative',
    '--no-ping',
    '--dhcp-lease-max=1000000',
    `--dhcp-option-force=option:mtu,${network.mtu}`,
    ...subnets.flatMap((subnet) => {
      const cidr = parseCidr(subnet.cidr);
      if (cidr === undefined) return [];
      const size = cidr.version === 4 ? formatIp(2n ** 32n - 2n ** BigInt(32 - cidr.prefix), 4) : cidr.prefix;
      const first = formatIp(cidr.first, cidr.version);
      return [`--dhcp-range=set:${subnetTag(subnet)},${first},static,${size},${LEASE_SECONDS}s`];
    }),
  ];
}

/** A DUID of type 4 holds a UUID. */
const duidOf = (id: string): string => (`0004${id.replaceAll('-', '')}`.match(/../g) ?? []).join(':');

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
