import { tapDevice } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';
import { type Cidr, formatCidr, formatIp, ipVersion, parseCidr } from '@portward/model/ip-address.ts';
import { rangesToCidrs } from '@portward/model/ip-ranges.ts';
import { HOST, type Item } from './item.ts';
import { nftChain, nftElement, nftSet } from './make-item.ts';
import { isGuarded, type Port, type World } from './world.ts';

type Rule = FeedObjects['security_group_rule'];
export type Direction = Rule['direction'];

export const groupChain = (groupId: string, direction: Direction): string => `group-${groupId}-${direction}`;
const memberSet = (groupId: string, version: 4 | 6): string => `members${version}-${groupId}`;
const addressSet = (groupId: string, version: 4 | 6): string => `addresses${version}-${groupId}`;

/** The chains of a group, one a direction, shared by all ports of the host that carry it; none without such a port. */
export function securityGroupItems(world: World, groupId: string): Item[] {
  if (world.replica.get('security_group', groupId) === undefined || !isUsed(world, groupId)) return [];
  const rules = [...world.replica.rulesByGroup.of(groupId)].sort((a, b) => (a.id < b.id ? -1 : 1));
  return (['ingress', 'egress'] as const).map((direction) =>
    nftChain(HOST, 'inet', groupChain(groupId, direction), [
      ...new Set(rules.filter((rule) => rule.direction === direction).flatMap(ruleText)),
    ]),
  );
}

/** The addresses of a group's ports on all hosts, when a rule in use here admits them. */
export function groupMemberItems(world: World, groupId: string): Item[] {
  let used = false;
  for (const rule of world.replica.rulesByRemoteGroup.of(groupId)) {
    used ||= isUsed(world, rule.security_group_id);
  }
  if (!used) return [];
  const addresses = new Set<string>();
  for (const port of world.replica.portsByGroup.of(groupId)) {
    for (const fixed of port.fixed_ips) addresses.add(fixed.ip_address);
    for (const pair of port.allowed_address_pairs) if (!pair.ip_address.includes('/')) addresses.add(pair.ip_address);
  }
  return [
    nftSet(HOST, 'inet', memberSet(groupId, 4), 'type ipv4_addr;'),
    nftSet(HOST, 'inet', memberSet(groupId, 6), 'type ipv6_addr;'),
    ...[...addresses].map((ip) => nftElement(HOST, 'inet', memberSet(groupId, ipVersion(ip) ?? 4), ip)),
  ];
}

/** The networks of an address group, when a rule in use here admits them: merged, for the kernel takes no overlap. */
export function addressGroupItems(world: World, groupId: string): Item[] {
  let used = false;
  for (const rule of world.replica.rulesByAddressGroup.of(groupId)) {
    used ||= isUsed(world, rule.security_group_id);
  }
  if (!used) return [];
  const networks = (world.replica.get('address_group', groupId)?.addresses ?? []).flatMap((text) => {
    const network = parseCidr(text);
    return network === undefined ? [] : [network];
  });
  return ([4, 6] as const).flatMap((version) => {
    const name = addressSet(groupId, version);
    const merged = rangesToCidrs(
      networks.filter((network) => network.version === version),
      version,
    );
    return [
      nftSet(HOST, 'inet', name, `type ipv${version}_addr; flags interval;`),
      ...merged.map((network) => nftElement(HOST, 'inet', name, elementText(network))),
    ];
  });
}

/** As nft lists it: a single address goes without its prefix length. */
const elementText = (network: Cidr): string =>
  network.first === network.last ? formatIp(network.first, network.version) : formatCidr(network);

/** Whether a guarded port of this host carries the group. */
function isUsed(world: World, groupId: string): boolean {
  for (const port of world.replica.portsByGroup.of(groupId)) {
    if (isGuarded(port) && world.taps.has(tapDevice(port.id))) return true;
  }
  return false;
}

/** Whether the port is a reason for its groups' chains. */
export const usesGroups = (world: World, port: Port): boolean => isGuarded(port) && world.taps.has(tapDevice(port.id));

/** Protocols that nft knows by another word than the API, with their IANA numbers. */
const PROTOCOL_NUMBERS: Record<string, number> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
};
const WITH_PORTS: Record<number, string> = { 6: 'tcp', 17: 'udp', 33: 'dccp', 132: 'sctp', 136: 'udplite' };
const ICMP: Record<number, string> = { 1: 'icmp', 58: 'icmpv6' };

/** nft's text for a rule; none for what cannot be told, so that it admits nothing. */
export function ruleText(rule: Rule): string[] {
  const version = rule.ethertype === 'IPv4' ? 4 : 6;
  const network = version === 4 ? 'ip' : 'ip6';
  const peer = rule.direction === 'ingress' ? 'saddr' : 'daddr';
  const matches = [`meta nfproto ipv${version}`];
  if (rule.remote_group_id !== null) {
    matches.push(`${network} ${peer} @${memberSet(rule.remote_group_id, version)}`);
  } else if (rule.remote_address_group_id !== null) {
    matches.push(`${network} ${peer} @${addressSet(rule.remote_address_group_id, version)}`);
  } else if (rule.remote_ip_prefix !== null) {
    const prefix = parseCidr(rule.remote_ip_prefix);
    if (prefix === undefined || prefix.version !== version) return [];
    if (prefix.prefix > 0) matches.push(`${network} ${peer} ${formatCidr(prefix)}`);
  }
  const protocol = protocolMatch(rule, version);
  return protocol === undefined ? [] : [[...matches, ...protocol, 'accept'].join(' ')];
}

function protocolMatch(rule: Rule, version: 4 | 6): string[] | undefined {
  const name = rule.protocol?.toLowerCase() ?? 'any';
  if (name === 'any' || name === 'ip' || name === '0') return [];
  const named = PROTOCOL_NUMBERS[name] ?? (/^\d{1,3}$/.test(name) ? Number(name) : undefined);
  if (named === undefined || named > 255) return undefined;
  // `icmp` of an IPv6 rule means ICMPv6, as it does in Neutron.
  const number = named === 1 && version === 6 ? 58 : named;
  const { port_range_min: first, port_range_max: last } = rule;
  const withPorts = WITH_PORTS[number];
  if (withPorts !== undefined && first !== null) {
    return [`${withPorts} dport ${last === null || last === first ? first : `${first}-${last}`}`];
  }
  const icmp = ICMP[number];
  if (icmp !== undefined && first !== null) {
    return [`${icmp} type ${first}`, ...(last === null ? [] : [`${icmp} code ${last}`])];
  }
  return [`meta l4proto ${number}`];
}
