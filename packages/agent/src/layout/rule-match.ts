import type { FeedObjects } from '@portward/model/feed.ts';
import { type Cidr, type IpVersion, parseCidr } from '@portward/model/ip-address.ts';

export type Rule = FeedObjects['security_group_rule'];
export type Direction = Rule['direction'];

/** What a rule of a security group admits, taken apart. */
export interface RuleMatch {
  readonly version: IpVersion;
  /** Who is at the other end: anybody, a network, or a set that follows its members. */
  readonly peer:
    | { readonly kind: 'any' }
    | { readonly kind: 'network'; readonly network: Cidr }
    | { readonly kind: 'group' | 'addresses'; readonly id: string };
  /** IANA's number; null: any. */
  readonly protocol: number | null;
  /** Destination ports, inclusive; only of protocols that have some. */
  readonly ports: { readonly first: number; readonly last: number } | null;
  readonly icmp: { readonly type: number; readonly code: number | null } | null;
}

export const ICMP = 1;
export const ICMPV6 = 58;

/** IANA's numbers of the names that the API takes. What stands for any protocol is not among them. */
const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  icmp: ICMP,
  icmpv6: ICMPV6,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': ICMPV6,
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
/** Number 0 is any protocol to iptables, and so to Neutron; `hopopt` is its name. */
const ANY_PROTOCOL = new Set(['any', 'ip', 'hopopt', '0']);
/** Protocols with ports where nft looks for them, by nft's names. */
export const WITH_PORTS: Readonly<Record<number, string>> = {
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  132: 'sctp',
  136: 'udplite',
};

/** Takes a rule apart; undefined for one that cannot be told, which admits nothing. */
export function ruleMatch(rule: Rule): RuleMatch | undefined {
  const version = rule.ethertype === 'IPv4' ? 4 : 6;
  const peer = peerOf(rule, version);
  const protocol = protocolOf(rule.protocol, version);
  if (peer === undefined || protocol === undefined) return undefined;
  const { port_range_min: first, port_range_max: last } = rule;
  const hasPorts = protocol !== null && WITH_PORTS[protocol] !== undefined && first !== null;
  const hasType = (protocol === ICMP || protocol === ICMPV6) && first !== null;
  return {
    version,
    peer,
    protocol,
    ports: hasPorts ? { first, last: last ?? first } : null,
    icmp: hasType ? { type: first, code: last } : null,
  };
}

function peerOf(rule: Rule, version: IpVersion): RuleMatch['peer'] | undefined {
  if (rule.remote_group_id !== null) return { kind: 'group', id: rule.remote_group_id };
  if (rule.remote_address_group_id !== null) return { kind: 'addresses', id: rule.remote_address_group_id };
  if (rule.remote_ip_prefix === null) return { kind: 'any' };
  const network = parseCidr(rule.remote_ip_prefix);
  if (network === undefined || network.version !== version) return undefined;
  return network.prefix === 0 ? { kind: 'any' } : { kind: 'network', network };
}

/** Number of a protocol by name or number; null: any; undefined: there is none such. */
function protocolOf(text: string | null, version: IpVersion): number | null | undefined {
  const name = text?.toLowerCase() ?? 'any';
  if (ANY_PROTOCOL.has(name)) return null;
  const number = PROTOCOL_NUMBERS[name] ?? (/^\d{1,3}$/.test(name) ? Number(name) : undefined);
  if (number === undefined || number > 255) return undefined;
  // `icmp` of an IPv6 rule means ICMPv6, as it does in Neutron.
  return number === ICMP && version === 6 ? ICMPV6 : number;
}
