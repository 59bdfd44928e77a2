import { tapDevice } from '@portward/model/device-names.ts';
import { formatCidr, formatIp, type IpVersion, parseCidr } from '@portward/model/ip-address.ts';
import { addressOrCidr, networksOf } from './anti-spoofing.ts';
import { HOST, type Item } from './item.ts';
import { nftChain, nftElement, nftSet } from './make-item.ts';
import { type Direction, ICMP, type Rule, type RuleMatch, ruleMatch, WITH_PORTS } from './rule-match.ts';
import { isGuarded, type Port, type World } from './world.ts';

export const groupChain = (groupId: string, direction: Direction): string => `group-${groupId}-${direction}`;
const memberSet = (groupId: string, version: IpVersion): string => `members${version}-${groupId}`;
const memberNetworkSet = (groupId: string, version: IpVersion): string => `networks${version}-${groupId}`;
const addressSet = (groupId: string, version: IpVersion): string => `addresses${version}-${groupId}`;
const SET_OF_PEERS = /^(members|networks|addresses)[46]-(.+)$/;

/** The group whose addresses a set holds, by the set's name. */
export function groupOfSet(name: string): { kind: 'group' | 'addresses'; id: string } | undefined {
  const [, word, id] = SET_OF_PEERS.exec(name) ?? [];
  return id === undefined ? undefined : { kind: word === 'addresses' ? 'addresses' : 'group', id };
}

/** The group whose rules a chain holds, by the chain's name. */
export const groupOfChain = (name: string): string | undefined => /^group-(.+)-(?:in|e)gress$/.exec(name)?.[1];

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

/** Addresses of a group's ports on all hosts: the fixed ones, and those of their allowed address pairs. */
export function* memberAddresses(world: World, groupId: string): Generator<string> {
  for (const port of world.replica.portsByGroup.of(groupId)) {
    for (const fixed of port.fixed_ips) yield fixed.ip_address;
    for (const pair of port.allowed_address_pairs) yield pair.ip_address;
  }
}

/**
 * The sets of a group's members, when a rule in use here admits them. Single addresses lie in a hash, which costs the
 * same with thousands of them to look into and to change; networks, which pairs alone may have, in a set of ranges.
 */
export function groupMemberItems(world: World, groupId: string): Item[] {
  let used = false;
  for (const rule of world.replica.rulesByRemoteGroup.of(groupId)) {
    used ||= isUsed(world, rule.security_group_id);
  }
  if (!used) return [];
  const singles: Record<IpVersion, Set<string>> = { 4: new Set(), 6: new Set() };
  const networks: string[] = [];
  for (const text of memberAddresses(world, groupId)) {
    const cidr = parseCidr(text);
    if (cidr === undefined) continue;
    if (cidr.first === cidr.last) singles[cidr.version].add(formatIp(cidr.first, cidr.version));
    else networks.push(text);
  }
  return ([4, 6] as const).flatMap((version) => [
    nftSet(HOST, 'inet', memberSet(groupId, version), `type ipv${version}_addr;`),
    ...[...singles[version]].map((ip) => nftElement(HOST, 'inet', memberSet(groupId, version), ip)),
    ...rangeSet(memberNetworkSet(groupId, version), version, networks),
  ]);
}

/** The networks of an address group, when a rule in use here admits them. */
export function addressGroupItems(world: World, groupId: string): Item[] {
  let used = false;
  for (const rule of world.replica.rulesByAddressGroup.of(groupId)) {
    used ||= isUsed(world, rule.security_group_id);
  }
  if (!used) return [];
  const addresses = world.replica.get('address_group', groupId)?.addresses ?? [];
  return ([4, 6] as const).flatMap((version) => rangeSet(addressSet(groupId, version), version, addresses));
}

/** A set of networks: merged, for the kernel takes no overlap. */
const rangeSet = (name: string, version: IpVersion, networks: readonly string[]): Item[] => [
  nftSet(HOST, 'inet', name, `type ipv${version}_addr; flags interval;`),
  ...networksOf(networks, version).map((network) => nftElement(HOST, 'inet', name, addressOrCidr(network))),
];

/** Whether a guarded port of this host carries the group. */
function isUsed(world: World, groupId: string): boolean {
  for (const port of world.replica.portsByGroup.of(groupId)) {
    if (isGuarded(port) && world.taps.has(tapDevice(port.id))) return true;
  }
  return false;
}

/** Whether the port is a reason for its groups' chains. */
export const usesGroups = (world: World, port: Port): boolean => isGuarded(port) && world.taps.has(tapDevice(port.id));

/** nft's text for a rule; none for what cannot be told, so that it admits nothing. */
export function ruleText(rule: Rule): string[] {
  const match = ruleMatch(rule);
  if (match === undefined) return [];
  const network = match.version === 4 ? 'ip' : 'ip6';
  const side = rule.direction === 'ingress' ? 'saddr' : 'daddr';
  return peersText(match).map((peers) =>
    [
      `meta nfproto ipv${match.version}`,
      ...(peers === undefined ? [] : [`${network} ${side} ${peers}`]),
      ...protocolText(match),
      'accept',
    ].join(' '),
  );
}

/** Where peers are looked up, one rule for each place; undefined: nowhere, for anybody is admitted. */
function peersText({ peer, version }: RuleMatch): (string | undefined)[] {
  switch (peer.kind) {
    case 'any':
      return [undefined];
    case 'network':
      return [formatCidr(peer.network)];
    case 'group':
      return [`@${memberSet(peer.id, version)}`, `@${memberNetworkSet(peer.id, version)}`];
    case 'addresses':
      return [`@${addressSet(peer.id, version)}`];
  }
}

function protocolText({ protocol, ports, icmp }: RuleMatch): string[] {
  if (protocol === null) return [];
  if (ports !== null) {
    const { first, last } = ports;
    return [`${WITH_PORTS[protocol]} dport ${last === first ? first : `${first}-${last}`}`];
  }
  if (icmp !== null) {
    const name = protocol === ICMP ? 'icmp' : 'icmpv6';
    return [`${name} type ${icmp.type}`, ...(icmp.code === null ? [] : [`${name} code ${icmp.code}`])];
  }
  return [`meta l4proto ${protocol}`];
}
