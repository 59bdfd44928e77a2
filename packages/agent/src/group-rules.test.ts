import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { addressGroup, gone, port, securityGroup, securityGroupRule, uuid } from './testing/cloud.ts';
import { type FrameParts, ipFrame } from './testing/frame.ts';
import {
  type GuardedVms,
  groupOf,
  mac,
  NET,
  SUBNET,
  SUBNET6,
  type Vm,
  v4,
  v6,
  vmPort,
  withGuardedVms,
} from './testing/guarded-vms.ts';

type Rule = Partial<FeedObjects['security_group_rule']>;
type Kind = Pick<FrameParts, 'protocol' | 'destinationPort' | 'type' | 'code'>;

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

const namesOf = (version: 4 | 6): string[] => Object.keys({ ...KINDS, ...(version === 4 ? ONLY_V4 : ONLY_V6) }).sort();
const matching = (version: 4 | 6, pattern: RegExp): string[] => namesOf(version).filter((name) => pattern.test(name));

let sourcePort = 1024;

/** A frame of each kind, from ports not used before, so that no connection of an earlier rule counts. */
function frames(from: Vm, to: Vm, version: 4 | 6): Buffer[] {
  sourcePort++;
  const address = version === 4 ? v4 : v6;
  return Object.entries({ ...KINDS, ...(version === 4 ? ONLY_V4 : ONLY_V6) }).map(([token, kind]) =>
    ipFrame({ ...kind, fromMac: mac(from), toMac: mac(to), from: address(from), to: address(to), sourcePort, token }),
  );
}

const V6 = { ethertype: 'IPv6' } as const;
const ports = (protocol: string, first: number, last = first): Rule => ({
  protocol,
  port_range_min: first,
  port_range_max: last,
});
const icmp = (protocol: string, type: number, code: number | null = null): Rule => ({
  protocol,
  port_range_min: type,
  port_range_max: code,
});

/** A rule, and which packets of IPv4 and of IPv6 it admits. */
const RULES: [what: string, rule: Rule, v4: RegExp, v6: RegExp][] = [
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
    (name): [string, Rule, RegExp, RegExp] => [name, { protocol: name }, new RegExp(`^${name}$`), /^$/],
  ),
  ['GRE of IPv6 by number', { protocol: '47', ...V6 }, /^$/, /^gre$/],
  ['any protocol by name', { protocol: 'ip' }, /./, /^$/],
  ['any protocol by its other name', { protocol: 'hopopt', ...V6 }, /^$/, /./],
  ['any protocol by number', { protocol: '0' }, /./, /^$/],
];

/** Feeds one rule after another and tells what differs from what the table says. */
async function differences({ agent, pass }: GuardedVms, direction: 'ingress' | 'egress'): Promise<unknown[]> {
  const [from, to]: [Vm, Vm] = direction === 'ingress' ? ['open', 'a'] : ['a', 'open'];
  const found: unknown[] = [];
  for (const [what, rule, ofV4, ofV6] of RULES) {
    await agent.feed(securityGroupRule(1, groupOf('a'), direction, rule));
    for (const [version, pattern] of [
      [4, ofV4],
      [6, ofV6],
    ] as const) {
      const passed = (await pass(from, to, frames(from, to, version))).sort();
      const expected = matching(version, pattern);
      if (passed.join() !== expected.join()) found.push({ what, version, passed, expected });
    }
  }
  await agent.feed(gone('security_group_rule', 1));
  found.push(...(await pass(from, to, frames(from, to, 4))), ...(await pass(from, to, frames(from, to, 6))));
  return found;
}

test('each rule admits what it names, and nothing else: what a VM receives', () =>
  withGuardedVms([], async (vms) => assert.deepEqual(await differences(vms, 'ingress'), [])));

test('each rule admits what it names, and nothing else: what a VM sends', () =>
  withGuardedVms([], async (vms) => assert.deepEqual(await differences(vms, 'egress'), [])));

test('a stateless group asks about each packet, also about one that answers', () =>
  withGuardedVms([], async (vms) => {
    await vms.agent.feed(securityGroup(groupOf('a'), false));
    assert.deepEqual(await differences(vms, 'ingress'), []);
    assert.deepEqual(await differences(vms, 'egress'), []);
  }));

const all = (number: number, vm: Vm, direction: 'ingress' | 'egress', rule: Rule = {}): FeedPut[] => [
  securityGroupRule(number, groupOf(vm), direction, rule),
  securityGroupRule(number + 0x100, groupOf(vm), direction, { ...rule, ...V6 }),
];

test('replies pass where a group is stateful, and need a rule where it is not', () =>
  withGuardedVms([...all(1, 'a', 'egress'), ...all(2, 'b', 'ingress', ports('tcp', 80))], async ({ agent, vm }) => {
    for (const address of [v4, v6]) {
      await Promise.all([
        vm.a.listen(address('a'), [80]),
        vm.b.listen(address('b'), [80]),
        vm.open.listen(address('open'), [80]),
      ]);
    }
    const answers = (from: Vm, to: Vm, shall: boolean) =>
      Promise.all([v4, v6].map((address) => vm[from].reach({ to: address(to), port: 80 }, shall)));
    const yes = ['answered', 'answered'];
    const no = ['silent', 'silent'];
    assert.deepEqual(await answers('a', 'b', true), yes, 'b answers without a rule that lets it send');
    assert.deepEqual(await answers('a', 'open', true), yes);
    await agent.feed(securityGroup(groupOf('a'), false));
    assert.deepEqual(await answers('a', 'b', false), no, 'a sends, and may not receive');
    assert.deepEqual(await answers('a', 'open', false), no);
    await agent.feed(...all(3, 'a', 'ingress', { protocol: 'tcp' }));
    assert.deepEqual(await answers('a', 'b', true), yes, 'b is stateful: it answers without a rule');
    assert.deepEqual(await answers('open', 'a', true), yes);
    await agent.feed(gone('security_group_rule', 1), gone('security_group_rule', 0x101));
    assert.deepEqual(await answers('open', 'a', false), no, 'a receives, and may not answer');
    await agent.feed(securityGroup(groupOf('a')));
    assert.deepEqual(await answers('open', 'a', true), yes, 'stateful again');
    // The API takes no such port.
    await agent.feed(
      securityGroup(0x2000, false),
      vmPort('a', { security_groups: [uuid(groupOf('a')), uuid(0x2000)] }),
    );
    assert.deepEqual(await answers('open', 'a', true), yes, 'with a group of each kind replies pass');
    await agent.feed(vmPort('a', { security_groups: [] }));
    assert.deepEqual(await answers('open', 'a', false), no, 'without groups nothing passes');
    assert.deepEqual(await answers('a', 'open', false), no);
    await agent.feed(vmPort('a', { port_security_enabled: false, security_groups: [] }));
    assert.deepEqual(await answers('open', 'a', true), yes, 'nor is anything kept out without port security');
    await agent.feed(vmPort('a', { port_security_enabled: false, security_groups: [], admin_state_up: false }));
    assert.deepEqual(await answers('open', 'a', false), no, 'switched off');
  }));

/** Who of `b`, `c` and `open` reaches `a` by UDP, over IPv4 and IPv6: names with the version. */
async function whoReaches({ pass }: GuardedVms): Promise<string[]> {
  const found: string[] = [];
  for (const from of ['b', 'c', 'open'] as const) {
    sourcePort++;
    const common = { fromMac: mac(from), toMac: mac('a'), protocol: 17, sourcePort, destinationPort: 53 };
    found.push(
      ...(await pass(from, 'a', [
        ipFrame({ ...common, from: v4(from), to: v4('a'), token: `${from} 4` }),
        ipFrame({ ...common, from: v6(from), to: v6('a'), token: `${from} 6` }),
        ...(from === 'b'
          ? EXTRA.map((ip) => ipFrame({ ...common, from: ip, to: ip.includes(':') ? v6('a') : v4('a'), token: ip }))
          : []),
      ])),
    );
  }
  return found.sort();
}
/** Addresses that `b` sends from beside its own. */
const EXTRA = ['10.9.0.1', '10.9.0.2', '10.8.1.1', 'fd09::1', 'fd09::2', 'fd08::1:1'];

test('remote groups and address groups follow their members, with the pairs that these have', () =>
  withGuardedVms(
    [
      ...all(1, 'b', 'egress'),
      ...all(2, 'c', 'egress'),
      ...all(3, 'a', 'ingress', { remote_group_id: uuid(0x3000) }),
      securityGroup(0x3000),
    ],
    async (vms) => {
      const { agent } = vms;
      const own = (vm: 'b' | 'c', more: Partial<FeedObjects['port']>, member = true): FeedPut =>
        vmPort(vm, { security_groups: [uuid(groupOf(vm)), ...(member ? [uuid(0x3000)] : [])], ...more });
      const pairs = (...addresses: string[]) => ({
        allowed_address_pairs: addresses.map((ip_address) => ({ ip_address, mac_address: mac('b') })),
      });
      const steps: [what: string, FeedPut[], reach: string[]][] = [
        ['nobody is a member', [], []],
        ['b becomes one', [own('b', {})], ['b 4', 'b 6']],
        ['c too', [own('c', {})], ['b 4', 'b 6', 'c 4', 'c 6']],
        [
          'b gets pairs',
          [own('b', pairs('10.9.0.1', 'fd09::1/128'))],
          ['10.9.0.1', 'b 4', 'b 6', 'c 4', 'c 6', 'fd09::1'],
        ],
        [
          'and pairs that are networks, one in another',
          [own('b', pairs('10.9.0.0/16', '10.9.0.2/32', '10.8.0.0/15', 'fd09::/64', 'FD08::/16'))],
          ['10.8.1.1', '10.9.0.1', '10.9.0.2', 'b 4', 'b 6', 'c 4', 'c 6', 'fd08::1:1', 'fd09::1', 'fd09::2'],
        ],
        ['loses some', [own('b', pairs('10.9.0.2/31'))], ['10.9.0.2', 'b 4', 'b 6', 'c 4', 'c 6']],
        ['c leaves', [own('c', {}, false)], ['10.9.0.2', 'b 4', 'b 6']],
        [
          'a pair of all addresses lets everybody in',
          [own('b', pairs('0.0.0.0/0'))],
          ['10.8.1.1', '10.9.0.1', '10.9.0.2', 'b 4', 'b 6', 'c 4', 'open 4'],
        ],
        ['b leaves', [own('b', {}, false)], []],
      ];
      for (const [what, changes, expected] of steps) {
        await agent.feed(...changes);
        assert.deepEqual(await whoReaches(vms), expected, what);
      }
      // A member elsewhere counts as one here.
      await agent.feed(
        port(
          0xd9,
          NET,
          { '192.168.2.99': SUBNET, [v6('open')]: SUBNET6 },
          { 'binding:host_id': 'host-2', security_groups: [uuid(0x3000)] },
        ),
      );
      assert.deepEqual(await whoReaches(vms), ['open 6']);

      await agent.feed(...all(3, 'a', 'ingress', { remote_address_group_id: uuid(0x3001) }));
      const groups: [addresses: string[], reach: string[]][] = [
        [[], []],
        [
          [`${v4('b')}/32`, 'fd00::/64'],
          ['b 4', 'b 6', 'c 6', 'open 6'],
        ],
        [
          ['192.168.2.0/24', '192.168.2.0/25', `${v6('c')}/128`],
          ['b 4', 'c 4', 'c 6', 'open 4'],
        ],
        [
          ['0.0.0.0/0', '::/0'],
          ['b 4', 'b 6', 'c 4', 'c 6', 'open 4', 'open 6'],
        ],
        [['198.51.100.0/24'], []],
      ];
      for (const [addresses, expected] of groups) {
        await agent.feed(addressGroup(0x3001, ...addresses));
        assert.deepEqual(await whoReaches(vms), expected, addresses.join());
      }
    },
  ));
