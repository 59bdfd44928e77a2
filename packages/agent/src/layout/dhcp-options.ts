import type { FeedObjects } from '@portward/model/feed.ts';
import { ipVersion } from '@portward/model/ip-address.ts';

/** Lines of dnsmasq's file of options. */

type Subnet = FeedObjects['subnet'];
type Port = FeedObjects['port'];

/** The domain of a network's names. */
export const DOMAIN = 'openstacklocal';

const OPTION_NAME = /^([a-z][a-z0-9-]*|\d{1,3})$/i;
/** dnsmasq's files have one entry a line. */
const PRINTABLE = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u;
/** As the only name server of a subnet it says that clients get none (Neutron's words). */
const NOBODY = ['0.0.0.0', '::'];

export const subnetTag = (subnet: Subnet): string => `subnet-${subnet.id}`;
export const portTag = (port: Port): string => `port-${port.id}`;

const nameServers = (subnet: Subnet): string[] =>
  subnet.dns_nameservers.filter((server) => ipVersion(server) === subnet.ip_version);

/** Whether clients of the subnet get the network's own server as their name server. */
export const isNameServer = (subnet: Subnet): boolean => nameServers(subnet).length === 0;

/** Name servers for a subnet's clients; `own`: the address of the network's server on it. */
function servers(subnet: Subnet, own: string | undefined): string[] {
  const named = nameServers(subnet);
  if (named.length === 1 && NOBODY.includes(named[0] ?? '')) return [];
  return named.length > 0 || own === undefined ? named : [own];
}

/** Options for all clients of a subnet. `server`: the port of the network's DHCP server. */
export function subnetOptions(subnet: Subnet, server: Port): string[] {
  const own = server.fixed_ips.find((ip) => ip.subnet_id === subnet.id)?.ip_address;
  return subnet.ip_version === 4 ? ipv4Options(subnet, own) : ipv6Options(subnet, own);
}

/** RFC 2132: 3 routers, 6 domain name servers; RFC 3442: 121 classless static routes, beside which 3 does not count. */
function ipv4Options(subnet: Subnet, own: string | undefined): string[] {
  const tag = `tag:${subnetTag(subnet)}`;
  const routes = subnet.host_routes.filter((route) => ipVersion(route.nexthop) === 4);
  const hasDefault = routes.some((route) => route.destination === '0.0.0.0/0');
  const classless = routes.map((route) => `${route.destination},${route.nexthop}`);
  if (subnet.gateway_ip !== null && classless.length > 0 && !hasDefault) {
    classless.push(`0.0.0.0/0,${subnet.gateway_ip}`);
  }
  return [
    // Without a value it keeps dnsmasq from giving itself.
    `${tag},option:router${subnet.gateway_ip === null ? '' : `,${subnet.gateway_ip}`}`,
    `${tag},option:dns-server${listOf(servers(subnet, own))}`,
    // 249 is what Windows reads in place of 121.
    ...(classless.length > 0 ? [121, 249].map((number) => `${tag},${number},${classless.join(',')}`) : []),
  ];
}

/** RFC 3646: 23 name servers, 24 search list. Routes are no matter of DHCPv6: routers tell them. */
function ipv6Options(subnet: Subnet, own: string | undefined): string[] {
  const tag = `tag:${subnetTag(subnet)}`;
  return [
    `${tag},option6:dns-server${listOf(servers(subnet, own).map((server) => `[${server}]`))}`,
    `${tag},option6:domain-search,${DOMAIN}`,
  ];
}

const listOf = (values: readonly string[]): string => values.map((value) => `,${value}`).join('');

const usableOptions = (port: Port): Port['extra_dhcp_opts'] =>
  port.extra_dhcp_opts.filter((option) => OPTION_NAME.test(option.opt_name) && PRINTABLE.test(option.opt_value));

const versionOf = (option: Port['extra_dhcp_opts'][number]): number => option.ip_version ?? 4;

/** Whether a port has options of its own for clients of an IP version. */
export const hasOptions = (port: Port, version: number): boolean =>
  usableOptions(port).some((option) => versionOf(option) === version);

/** A port's own options, for which its entry has to set its tag. */
export function portOptions(port: Port): string[] {
  return usableOptions(port).map((option) => {
    const { opt_name: name, opt_value: value } = option;
    const tag = `tag:${portTag(port)}`;
    if (versionOf(option) === 6) return `${tag},option6:${name}${value === '' ? '' : `,${inBrackets(value)}`}`;
    return `${tag},${/^\d+$/.test(name) ? name : `option:${name}`}${value === '' ? '' : `,${value}`}`;
  });
}

/** dnsmasq knows an IPv6 address among the values of an option by its brackets. */
const inBrackets = (value: string): string =>
  value
    .split(',')
    .map((part) => (ipVersion(part.trim()) === 6 ? `[${part.trim()}]` : part))
    .join(',');
