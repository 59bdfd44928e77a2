import { createHash } from 'node:crypto';
import { dhcpDevice, dhcpNamespace } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';
import { cidrContains, formatIp, ipVersion, parseCidr } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER } from '@portward/model/port.ts';

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
  /** Identifies all of the above. */
  readonly digest: string;
}

/** Seconds that a client may keep its address without asking again. */
const LEASE_SECONDS = 86_400;
const DOMAIN = 'openstacklocal';
/** A label as RFC 1123 has it: what a tenant chose gets into dnsmasq's files only so. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const OPTION_NAME = /^([a-z][a-z0-9-]*|\d{1,3})$/i;
/** dnsmasq's files have one entry a line. */
const PRINTABLE = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u;

/** The port of the network's DHCP server. */
export function dhcpPort(networkId: string, ports: Iterable<Port>): Port | undefined {
  for (const port of ports) {
    if (port.device_owner === DEVICE_OWNER.dhcp && port.device_id.endsWith(networkId)) return port;
  }
  return undefined;
}

/**
 * DHCP of a network out of its subnets and ports; undefined when no IPv4 subnet of it wants DHCP, or it has no DHCP
 * port. Each port gets its own addresses, and nobody else any.
 */
export function dhcpService(
  network: Network,
  subnets: Iterable<Subnet>,
  ports: Iterable<Port>,
): DhcpService | undefined {
  const all = [...ports].sort((a, b) => (a.id < b.id ? -1 : 1));
  const server = dhcpPort(network.id, all);
  const served = [...subnets]
    .filter((subnet) => subnet.enable_dhcp && subnet.ip_version === 4)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (server === undefined || served.length === 0) return undefined;
  const clients = all.filter((port) => !port.device_owner.startsWith('network:'));
  const leases = clients.flatMap((port) => leasesOf(port, served));
  const service = {
    id: network.id,
    namespace: dhcpNamespace(network.id),
    device: dhcpDevice(server.id),
    argv: argumentsFor(network, served, dhcpDevice(server.id)),
    hosts: lines(leases.map(hostLine)),
    options: lines([
      ...served.flatMap((subnet) => subnetOptions(subnet, server)),
      // dnsmasq prefers what comes later: a port's own options go before its subnet's.
      ...clients.flatMap(portOptions),
    ]),
    names: lines(leases.map((lease) => `${lease.address} ${lease.name}.${DOMAIN} ${lease.name}`)),
    leases: Object.fromEntries(leases.map((lease) => [lease.address, lease.port.mac_address])),
  };
  return { ...service, digest: createHash('sha256').update(JSON.stringify(service)).digest('hex') };
}

interface Lease {
  port: Port;
  address: string;
  name: string;
}

/** dnsmasq gives a client one address a subnet. */
function leasesOf(port: Port, subnets: readonly Subnet[]): Lease[] {
  return subnets.flatMap((subnet) => {
    const fixed = port.fixed_ips.find((ip) => ip.subnet_id === subnet.id && cidrContains(subnet.cidr, ip.ip_address));
    if (fixed === undefined) return [];
    const address = fixed.ip_address;
    const label = port.dns_name.split('.')[0] ?? '';
    const name = LABEL.test(label) ? label.toLowerCase() : `host-${address.replaceAll('.', '-')}`;
    return [{ port, address, name }];
  });
}

const hostLine = ({ port, address, name }: Lease): string =>
  [port.mac_address, ...(hasOptions(port) ? [`set:${portTag(port)}`] : []), `${name}.${DOMAIN}`, address].join(',');

function argumentsFor(network: Network, subnets: readonly Subnet[], device: string): string[] {
  const answersNames = subnets.some((subnet) => nameservers(subnet).length === 0);
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
      const mask = formatIp(2n ** 32n - 2n ** BigInt(32 - cidr.prefix), 4);
      return [`--dhcp-range=set:${subnetTag(subnet)},${formatIp(cidr.first, 4)},static,${mask},${LEASE_SECONDS}s`];
    }),
  ];
}

const subnetTag = (subnet: Subnet): string => `subnet-${subnet.id}`;
const portTag = (port: Port): string => `port-${port.id}`;
const nameservers = (subnet: Subnet): string[] => subnet.dns_nameservers.filter((server) => ipVersion(server) === 4);

/** RFC 2132: 3 routers, 6 domain name servers; RFC 3442: 121 classless static routes, beside which 3 does not count. */
function subnetOptions(subnet: Subnet, server: Port): string[] {
  const tag = `tag:${subnetTag(subnet)}`;
  const own = server.fixed_ips.find((ip) => ip.subnet_id === subnet.id)?.ip_address;
  const names = nameservers(subnet).length > 0 ? nameservers(subnet) : own === undefined ? [] : [own];
  const routes = subnet.host_routes.filter((route) => ipVersion(route.nexthop) === 4);
  const hasDefault = routes.some((route) => route.destination === '0.0.0.0/0');
  const classless = routes.map((route) => `${route.destination},${route.nexthop}`);
  if (subnet.gateway_ip !== null && classless.length > 0 && !hasDefault) {
    classless.push(`0.0.0.0/0,${subnet.gateway_ip}`);
  }
  return [
    // Without a value it keeps dnsmasq from giving itself.
    `${tag},option:router${subnet.gateway_ip === null ? '' : `,${subnet.gateway_ip}`}`,
    `${tag},option:dns-server${names.map((name) => `,${name}`).join('')}`,
    // 249 is what Windows reads in place of 121.
    ...(classless.length > 0 ? [121, 249].map((number) => `${tag},${number},${classless.join(',')}`) : []),
  ];
}

const usableOptions = (port: Port): Port['extra_dhcp_opts'] =>
  port.extra_dhcp_opts.filter(
    (option) => (option.ip_version ?? 4) === 4 && OPTION_NAME.test(option.opt_name) && PRINTABLE.test(option.opt_value),
  );

const hasOptions = (port: Port): boolean => usableOptions(port).length > 0;

function portOptions(port: Port): string[] {
  return usableOptions(port).map(({ opt_name: name, opt_value: value }) => {
    const option = /^\d+$/.test(name) ? name : `option:${name}`;
    return `tag:${portTag(port)},${option}${value === '' ? '' : `,${value}`}`;
  });
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
