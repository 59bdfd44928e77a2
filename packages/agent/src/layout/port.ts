import { tapDevice } from '@portward/model/device-names.ts';
import { type Cidr, cidrsOverlap, formatCidr, formatIp, parseCidr } from '@portward/model/ip-address.ts';
import { HOST, type Item } from './item.ts';
import { binding, nftChain, nftElement } from './make-item.ts';
import { markOf, trustedTap, zoneOfMark } from './marks.ts';
import { groupChain } from './security-group.ts';
import { bridgeOf, isGuarded, isOwnDevice, type Port, type World } from './world.ts';

/** The filter and the place of a device that a hypervisor made for a port; nothing until the device is there. */
export function portItems(world: World, portId: string): Item[] {
  const port = world.replica.get('port', portId);
  const tap = tapDevice(portId);
  if (port === undefined || isOwnDevice(port) || !world.taps.has(tap)) return [];
  const network = world.replica.get('network', port.network_id);
  const bridge = bridgeOf(world, network);
  if (network === undefined || bridge === undefined || !port.admin_state_up) return [];
  return [
    ...(isGuarded(port) ? guardItems(world, port, tap, bridge) : trustedTap(world, tap, bridge)),
    binding(tap, bridge.name, network.mtu),
  ];
}

function guardItems(world: World, port: Port, tap: string, bridge: { name: string; own: boolean }): Item[] {
  const mark = markOf(world.numbers.of(tap));
  const sends = `from-${tap}`;
  const receives = `to-${tap}`;
  return [
    nftElement(HOST, 'bridge', 'taps', tap, String(mark)),
    nftElement(HOST, 'bridge', 'guarded', tap),
    nftChain(HOST, 'bridge', sends, frameRules(port)),
    nftElement(HOST, 'bridge', 'senders', tap, `goto ${sends}`),
    ...zoneOfMark(world, mark, bridge),
    nftChain(HOST, 'inet', sends, egressRules(world, port)),
    nftElement(HOST, 'inet', 'senders', String(mark), `goto ${sends}`),
    nftChain(HOST, 'inet', receives, ingressRules(world, port)),
    nftElement(HOST, 'inet', 'receivers', String(mark), `goto ${receives}`),
    ...(bridge.own ? [] : [nftElement(HOST, 'inet', 'host-bridges', bridge.name)]),
  ];
}

const oneOf = (values: readonly string[]): string => `{ ${values.join(', ')} }`;
const NONE = oneOf([]);

/**
 * nft's text for the addresses that a port may send from, with one that any port may; undefined when it may from all,
 * as, in Neutron, a port without addresses.
 */
function sources(port: Port, version: 4 | 6, always: string[] = []): string | undefined {
  const own = [
    ...port.fixed_ips.map((fixed) => fixed.ip_address),
    ...port.allowed_address_pairs.map((pair) => pair.ip_address),
  ];
  if (own.length === 0) return undefined;
  const cidrs = [...always, ...own]
    .flatMap((text) => parseCidr(text) ?? [])
    .filter((cidr) => cidr.version === version)
    .sort((a, b) => a.prefix - b.prefix);
  // nft takes no range that lies within another.
  const widest: Cidr[] = [];
  for (const cidr of cidrs) if (!widest.some((wider) => cidrsOverlap(wider, cidr))) widest.push(cidr);
  return widest[0]?.prefix === 0 ? undefined : oneOf(widest.map(addressOrCidr).sort());
}

const addressOrCidr = (cidr: Cidr): string =>
  cidr.first === cidr.last ? formatIp(cidr.first, cidr.version) : formatCidr(cidr);

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

function ownMacs(port: Port): string[] {
  const macs = [port.mac_address, ...port.allowed_address_pairs.map((pair) => pair.mac_address)];
  return [...new Set(macs.filter((mac) => MAC.test(mac)))].sort();
}

/** Frames: own MAC, own address in ARP, nothing but IP and ARP (a VLAN tag would hide a packet from the inet table). */
function frameRules(port: Port): string[] {
  const macs = oneOf(ownMacs(port));
  // 0.0.0.0 asks whether an address is free (RFC 5227).
  const addresses = sources(port, 4, ['0.0.0.0']);
  return [
    `ether saddr != ${macs} drop`,
    `ether type arp arp saddr ether != ${macs} drop`,
    ...(addresses === undefined ? [] : [`ether type arp arp saddr ip != ${addresses} drop`]),
    'ether type != { ip, ip6, arp } drop',
  ];
}

/** ICMPv6 without which there is no IPv6: MLD reports (131, 132, 143), router and neighbour solicitation, answers. */
const ICMPV6_SENT = '{ 131, 132, 133, 135, 136, 143 }';
const ICMPV6_RECEIVED = '{ 130, 134, 135, 136 }';

function egressRules(world: World, port: Port): string[] {
  const v4 = sources(port, 4);
  const v6 = sources(port, 6, ['fe80::/10']);
  return [
    'ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
    `ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type { 131, 135, 143 } accept`,
    ...(v4 === undefined ? [] : [v4 === NONE ? 'meta nfproto ipv4 drop' : `ip saddr != ${v4} drop`]),
    ...(v6 === undefined ? [] : [`ip6 saddr != ${v6} drop`]),
    // Only the network's own DHCP and routers speak for it.
    'meta nfproto ipv4 udp sport 67 udp dport 68 drop',
    'meta nfproto ipv6 udp sport 547 udp dport 546 drop',
    'icmpv6 type 134 drop',
    'meta nfproto ipv4 udp sport 68 udp dport 67 accept',
    'meta nfproto ipv6 udp sport 546 udp dport 547 accept',
    `icmpv6 type ${ICMPV6_SENT} accept`,
    'ct state established,related accept',
    'ct state invalid drop',
    ...groups(world, port).map((id) => `jump ${groupChain(id, 'egress')}`),
    'drop',
  ];
}

function ingressRules(world: World, port: Port): string[] {
  return [
    'ct state established,related accept',
    'ct state invalid drop',
    'meta nfproto ipv4 udp sport 67 udp dport 68 accept',
    'meta nfproto ipv6 udp sport 547 udp dport 546 accept',
    `icmpv6 type ${ICMPV6_RECEIVED} accept`,
    ...groups(world, port).map((id) => `jump ${groupChain(id, 'ingress')}`),
    'drop',
  ];
}

const groups = (world: World, port: Port): string[] =>
  port.security_groups.filter((id) => world.replica.get('security_group', id) !== undefined).toSorted();
