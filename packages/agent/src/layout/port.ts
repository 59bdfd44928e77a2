import { tapDevice } from '@portward/model/device-names.ts';
import { frameRules, neighbourRules } from './anti-spoofing.ts';
import { HOST, type Item } from './item.ts';
import { binding, nftChain, nftElement } from './make-item.ts';
import { markOf, trustedTap, zoneOfMark } from './marks.ts';
import { groupChain } from './security-group.ts';
import { bridgeOf, groupsOf, isGuarded, isOwnDevice, isStateful, type Port, type World } from './world.ts';

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

/** ICMPv6 without which there is no IPv6: MLD reports (131, 132, 143), router and neighbour solicitation, answers. */
const ICMPV6_SENT = '{ 131, 132, 133, 135, 136, 143 }';
const ICMPV6_RECEIVED = '{ 130, 134, 135, 136 }';

function egressRules(world: World, port: Port): string[] {
  return [
    'ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
    ...neighbourRules(port),
    'ip6 saddr :: ip6 daddr ff02::/16 icmpv6 type { 131, 135, 143 } accept',
    // Only the network's own DHCP and routers speak for it.
    'meta nfproto ipv4 udp sport 67 udp dport 68 drop',
    'meta nfproto ipv6 udp sport 547 udp dport 546 drop',
    'icmpv6 type 134 drop',
    'meta nfproto ipv4 udp sport 68 udp dport 67 accept',
    'meta nfproto ipv6 udp sport 546 udp dport 547 accept',
    `icmpv6 type ${ICMPV6_SENT} accept`,
    ...stateRules(world, port),
    ...(isStateful(world, port) ? [FROM_THE_MIDDLE] : []),
    ...groupsOf(world, port).map(({ id }) => `jump ${groupChain(id, 'egress')}`),
    'drop',
  ];
}

function ingressRules(world: World, port: Port): string[] {
  return [
    ...stateRules(world, port),
    'meta nfproto ipv4 udp sport 67 udp dport 68 accept',
    'meta nfproto ipv6 udp sport 547 udp dport 546 accept',
    `icmpv6 type ${ICMPV6_RECEIVED} accept`,
    ...groupsOf(world, port).map(({ id }) => `jump ${groupChain(id, 'ingress')}`),
    'drop',
  ];
}

/**
 * Protocols about which the kernel can tell what belongs to no connection (IANA's numbers). Of others it calls invalid
 * what it cannot judge: a packet without payload, or UDP-Lite, whose checksums it reckons as if they were UDP's.
 */
const FOLLOWED = '{ 1, 6, 17, 33, 58, 132 }';

/**
 * A VM begins a TCP connection with its first packet. The answers of one that was cut off would otherwise be taken for a
 * new one in the other direction (nf_conntrack_tcp_loose), which brings it back. What is sent to a VM needs no such
 * rule: there the groups are asked again, and where they admit it the VM itself resets what it does not know.
 */
const FROM_THE_MIDDLE = 'ct state new tcp flags & (fin | syn | rst | ack) != syn drop';

/** Replies pass. */
function stateRules(world: World, port: Port): string[] {
  if (!isStateful(world, port)) return [];
  return ['ct state established,related accept', `meta l4proto ${FOLLOWED} ct state invalid drop`];
}
