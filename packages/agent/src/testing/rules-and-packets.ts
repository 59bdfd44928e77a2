import type { FeedObjects } from '@portward/model/feed.ts';
import type { FrameParts } from './frame.ts';

/** Which packets each kind of rule admits: what the kernel and the agent's own judgement both have to say. */

export type RuleParts = Partial<FeedObjects['security_group_rule']>;
export type Kind = Pick<FrameParts, 'protocol' | 'destinationPort' | 'type' | 'code'>;

/** First packets of each protocol that the API has a name for, with those in between that tell a range's ends. */
const KINDS: Record<string, Kind> = {
  'tcp 22': { protocol: 6, destinationPort: 22 },
  'tcp 80': { protocol: 6, destinationPort: 80 },
  'tcp 81': { protocol: 6, destinationPort: 81 },
  'tcp 82': { protocol: 6, destinationPort: 82 },
  'udp 22': { protocol: 17, destinationPort: 22 },
  'udp 53': { protocol: 17, destinationPort: 53 },
  'udplite 53': { protocol: 136, destinationPort: 53 },
  'sctp 22': { protocol: 132, destinationPort: 22 },
  'sctp 53': { protocol: 132, destinationPort: 53 },
  'dccp 53': { protocol: 33, destinationPort: 53 },
  gre: { protocol: 47 },
  esp: { protocol: 50 },
  vrrp: { protocol: 112 },
  253: { protocol: 253 },
};
const ONLY_V4: Record<string, Kind> = {
  echo: { protocol: 1, type: 8, code: 0 },
  'echo/3': { protocol: 1, type: 8, code: 3 },
  timestamp: { protocol: 1, type: 13, code: 0 },
  ah: { protocol: 51 },
  igmp: { protocol: 2 },
  egp: { protocol: 8 },
  ipip: { protocol: 4 },
  rsvp: { protocol: 46 },
  ospf: { protocol: 89 },
  pgm: { protocol: 113 },
};
const ONLY_V6: Record<string, Kind> = {
  echo: { protocol: 58, type: 128, code: 0 },
  'ni 0': { protocol: 58, type: 139, code: 0 },
  'ni 1': { protocol: 58, type: 139, code: 1 },
  'no next header': { protocol: 59 },
};

/** All packets of a version, by name. */
export const kindsOf = (version: 4 | 6): Record<string, Kind> => ({ ...KINDS, ...(version === 4 ? ONLY_V4 : ONLY_V6) });
const namesOf = (version: 4 | 6): string[] => Object.keys(kindsOf(version)).sort();
/** Those whose names match. */
export const matching = (version: 4 | 6, pattern: RegExp): string[] =>
  namesOf(version).filter((name) => pattern.test(name));

/** Makes a rule one of IPv6. */
export const V6 = { ethertype: 'IPv6' } as const;
/** A rule about ports. */
export const ports = (protocol: string, first: number, last = first): RuleParts => ({
  protocol,
  port_range_min: first,
  port_range_max: last,
});
const icmp = (protocol: string, type: number, code: number | null = null): RuleParts => ({
  protocol,
  port_range_min: type,
  port_range_max: code,
});

/** A rule, and which packets of IPv4 and of IPv6 it admits. */
export const RULES: [what: string, rule: RuleParts, v4: RegExp, v6: RegExp][] = [
  ['nothing but IPv4', {}, /./, /^$/],
  ['nothing but IPv6', V6, /^$/, /./],
  ['one TCP port', ports('tcp', 80), /^tcp 80$/, /^$/],
  ['a range of TCP ports', ports('tcp', 22, 81), /^tcp (22|80|81)$/, /^$/],
  ['a range of TCP ports of IPv6', { ...ports('tcp', 80, 82), ...V6 }, /^$/, /^tcp 8/],
  ['TCP by number', ports('6', 82), /^tcp 82$/, /^$/],
  ['all of TCP', { protocol: 'tcp' }, /^tcp/, /^$/],
  ['a UDP port', ports('udp', 53), /^udp 53$/, /^$/],
  ['all of UDP of IPv6', { protocol: '17', ...V6 }, /^$/, /^udp /],
  ['an SCTP port', ports('sctp', 22), /^sctp 22$/, /^$/],
  ['SCTP by number, of IPv6', { ...ports('132', 53), ...V6 }, /^$/, /^sctp 53$/],
  ['a UDP-Lite port', ports('udplite', 53), /^udplite/, /^$/],
  ['another UDP-Lite port', ports('136', 54), /^$/, /^$/],
  ['a DCCP port', ports('dccp', 53), /^dccp/, /^$/],
  ['another DCCP port', ports('33', 54), /^$/, /^$/],
  ['all of ICMP', { protocol: 'icmp' }, /^(echo|timestamp)/, /^$/],
  ['a type of ICMP', icmp('icmp', 8), /^echo/, /^$/],
  ['a type and a code of ICMP', icmp('1', 8, 0), /^echo$/, /^$/],
  ['another code of ICMP', icmp('icmp', 8, 3), /^echo\/3$/, /^$/],
  ['all of ICMPv6', { protocol: 'ipv6-icmp', ...V6 }, /^$/, /^(echo|ni)/],
  ['ICMP, which of IPv6 is ICMPv6', { protocol: 'icmp', ...V6 }, /^$/, /^(echo|ni)/],
  ['a type of ICMPv6', { ...icmp('58', 139), ...V6 }, /^$/, /^ni/],
  ['a type and a code of ICMPv6', { ...icmp('ipv6-icmp', 139, 1), ...V6 }, /^$/, /^ni 1$/],
  ['no next header', { protocol: 'ipv6-nonxt', ...V6 }, /^$/, /^no next/],
  ...['gre', 'esp', 'ah', 'vrrp', 'igmp', 'egp', 'ipip', 'rsvp', 'ospf', 'pgm', '253'].map(
    (name): [string, RuleParts, RegExp, RegExp] => [name, { protocol: name }, new RegExp(`^${name}$`), /^$/],
  ),
  ['GRE of IPv6 by number', { protocol: '47', ...V6 }, /^$/, /^gre$/],
  ['any protocol by name', { protocol: 'ip' }, /./, /^$/],
  ['any protocol by its other name', { protocol: 'hopopt', ...V6 }, /^$/, /./],
  ['any protocol by number', { protocol: '0' }, /./, /^$/],
];
