import { type Cidr, formatCidr, formatIp, type IpVersion, normalizeIp, parseCidr } from '@portward/model/ip-address.ts';
import { rangesToCidrs } from '@portward/model/ip-ranges.ts';
import type { Port } from './world.ts';

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** nft's text for a set that is written in a rule. */
export const oneOf = (values: readonly string[]): string => `{ ${values.join(', ')} }`;

/** A single address without its prefix length, as nft lists it. */
export const addressOrCidr = (cidr: Cidr): string =>
  cidr.first === cidr.last ? formatIp(cidr.first, cidr.version) : formatCidr(cidr);

/** The link-local address that a device makes of its MAC address (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const [first = 0, ...rest] = mac.split(':').map((part) => Number.parseInt(part, 16));
  const octets = [first ^ 2, rest[0], rest[1], 0xff, 0xfe, rest[2], rest[3], rest[4]] as number[];
  const hex = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
  return normalizeIp(`fe80::${hex.match(/.{4}/g)?.join(':')}`);
}

/** What a port may send from: the addresses of each of its MAC addresses, by the MAC. */
function ownAddresses(port: Port): Map<string, string[]> {
  const own = new Map<string, string[]>();
  const add = (macText: string, ip: string | undefined): void => {
    const mac = macText.toLowerCase();
    if (!MAC.test(mac)) return;
    const found = own.get(mac) ?? [linkLocalOf(mac)];
    if (ip !== undefined) found.push(ip);
    own.set(mac, found);
  };
  add(port.mac_address, undefined);
  for (const fixed of port.fixed_ips) add(port.mac_address, fixed.ip_address);
  for (const pair of port.allowed_address_pairs) add(pair.mac_address, pair.ip_address);
  return new Map([...own].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Addresses and networks of one version, none within another, in order. */
export function networksOf(texts: Iterable<string>, version: IpVersion): Cidr[] {
  const networks = [...texts].flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.version === version);
  return rangesToCidrs(networks, version);
}

const isEverything = (networks: readonly Cidr[]): boolean => networks[0]?.prefix === 0;

/**
 * Frames that a port may send: its MAC address with the addresses that go with it (its own, and its allowed address
 * pairs), in Ethernet, ARP and IP alike. Of IPv6's link-local addresses it has, as in Neutron, the one made of its MAC
 * address; another needs a pair. A port without addresses has none to send from. Nothing but IP and ARP passes: a VLAN
 * tag would hide a packet from the inet table.
 */
export function frameRules(port: Port): string[] {
  const own = ownAddresses(port);
  return [
    `ether saddr != ${oneOf([...own.keys()])} drop`,
    'ether type != { ip, ip6, arp } drop',
    'ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
    'ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type { 131, 135, 143 } accept',
    ...[...own].flatMap(([mac, addresses]) => {
      const from = own.size === 1 ? '' : `ether saddr ${mac} `;
      const v4 = networksOf(addresses, 4);
      const v6 = networksOf(addresses, 6);
      // In ARP, 0.0.0.0 asks whether an address is free (RFC 5227).
      const asking = networksOf(['0.0.0.0', ...addresses], 4);
      return [
        `${from}ether type arp arp saddr ether != ${mac} drop`,
        ...(isEverything(asking)
          ? []
          : [`${from}ether type arp arp saddr ip != ${oneOf(asking.map(addressOrCidr))} drop`]),
        ...(isEverything(v4)
          ? []
          : [`${from}ether type ip ${v4.length === 0 ? '' : `ip saddr != ${oneOf(v4.map(addressOrCidr))} `}drop`]),
        ...(isEverything(v6) ? [] : [`${from}ether type ip6 ip6 saddr != ${oneOf(v6.map(addressOrCidr))} drop`]),
      ];
    }),
  ];
}

/** Where ICMPv6's neighbour discovery names the address that it is about (RFC 4861, 4.3 and 4.4). */
const TARGET = '@th,64,128';

/** A port speaks for its own IPv6 addresses alone, and asks whether they are free; nobody else's. */
export function neighbourRules(port: Port): string[] {
  const networks = networksOf([...ownAddresses(port).values()].flat(), 6);
  if (isEverything(networks)) return [];
  const own = oneOf(networks.map(({ first, last }) => (first === last ? hex(first) : `${hex(first)}-${hex(last)}`)));
  return [`icmpv6 type 136 ${TARGET} != ${own} drop`, `ip6 saddr :: icmpv6 type 135 ${TARGET} != ${own} drop`];
}

const hex = (value: bigint): string => `0x${value.toString(16).padStart(32, '0')}`;
