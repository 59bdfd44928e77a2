import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { addressGroup, gone, port, securityGroup, securityGroupRule, uuid } from './testing/cloud.ts';
import { ipFrame } from './testing/frame.ts';
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
import { kindsOf, matching, ports, RULES, type RuleParts, V6 } from './testing/rules-and-packets.ts';

let sourcePort = 1024;

/** A frame of each kind, from ports not used before, so that no connection of an earlier rule counts. */
function frames(from: Vm, to: Vm, version: 4 | 6): Buffer[] {
  sourcePort++;
  const address = version === 4 ? v4 : v6;
  return Object.entries(kindsOf(version)).map(([token, kind]) =>
    ipFrame({ ...kind, fromMac: mac(from), toMac: mac(to), from: address(from), to: address(to), sourcePort, token }),
  );
}

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

const all = (number: number, vm: Vm, direction: 'ingress' | 'egress', rule: RuleParts = {}): FeedPut[] => [
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
