import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkLocalOf } from './layout/anti-spoofing.ts';
import { port, securityGroupRule } from './testing/cloud.ts';
import { arpFrame, type FrameParts, ipFrame, neighbourBody } from './testing/frame.ts';
import { groupOf, mac, NET, VMS, v4, v6, vmPort, withGuardedVms } from './testing/guarded-vms.ts';

const OTHER_MAC = '02:00:00:00:00:01';
const PAIR_MAC = '02:00:00:00:00:02';
const ROUTER = linkLocalOf(mac('open'));
const ALL_NODES = 'ff02::1';

/** A datagram with right addresses, but for what is told otherwise. */
const udp = (token: string, parts: Partial<FrameParts>): Buffer =>
  ipFrame({
    fromMac: mac('a'),
    from: v4('a'),
    to: v4('open'),
    protocol: 17,
    sourcePort: 1234,
    destinationPort: 53,
    token,
    ...parts,
  });

const icmpv6 = (token: string, type: number, parts: Partial<FrameParts> = {}): Buffer =>
  ipFrame({
    fromMac: mac('a'),
    from: v6('a'),
    to: ALL_NODES,
    protocol: 58,
    type,
    code: 0,
    token,
    body: Buffer.alloc(4),
    ...parts,
  });

const arp = (
  token: string,
  from: string,
  more: { fromMac?: string; claimedMac?: string; operation?: 1 | 2 } = {},
): Buffer => arpFrame({ fromMac: mac('a'), from, to: v4('open'), token, ...more });

const discover = (token: string): Buffer =>
  udp(token, { from: '0.0.0.0', to: '255.255.255.255', sourcePort: 68, destinationPort: 67 });

/** What a VM may send with its groups' leave, and with nobody's. */
const RIGHT = [
  udp('own address', {}),
  udp('own address of IPv6', { from: v6('a'), to: v6('open') }),
  udp('own link-local address', { from: linkLocalOf(mac('a')), to: v6('open') }),
  discover('asks for an address'),
  udp('renews its address', { sourcePort: 68, destinationPort: 67 }),
  udp('asks for an address of IPv6', {
    from: linkLocalOf(mac('a')),
    to: 'ff02::1:2',
    sourcePort: 546,
    destinationPort: 547,
  }),
  arp('says who has its address', v4('a')),
  arp('answers', v4('a'), { operation: 2 }),
  arp('asks whether an address is free', '0.0.0.0'),
  icmpv6('router solicitation', 133),
  icmpv6('neighbour solicitation', 135, { body: neighbourBody(v6('open')) }),
  icmpv6('neighbour advertisement', 136, { body: neighbourBody(v6('a')) }),
  icmpv6('the same of its link-local address', 136, { body: neighbourBody(linkLocalOf(mac('a'))) }),
  icmpv6('asks whether its address is free', 135, { from: '::', body: neighbourBody(v6('a')) }),
  icmpv6('listener report', 143),
];

/** What it may not send. */
const WRONG = [
  udp('other address', { from: v4('b') }),
  udp('other MAC address', { fromMac: OTHER_MAC }),
  udp('MAC address of another', { fromMac: mac('b') }),
  udp('no address', { from: '0.0.0.0' }),
  udp('other address of IPv6', { from: v6('b'), to: v6('open') }),
  udp('link-local address of another', { from: ROUTER, to: v6('b') }),
  udp('no address of IPv6', { from: '::', to: v6('open') }),
  udp('gives addresses', { sourcePort: 67, destinationPort: 68, to: '255.255.255.255' }),
  udp('gives addresses of IPv6', {
    from: linkLocalOf(mac('a')),
    to: v6('open'),
    sourcePort: 547,
    destinationPort: 546,
  }),
  arp('other address in arp', v4('b')),
  arp('answers for another', v4('b'), { operation: 2 }),
  arp('other MAC address inside', v4('a'), { claimedMac: mac('b') }),
  arp('other MAC address outside', v4('a'), { fromMac: mac('b'), claimedMac: mac('a') }),
  icmpv6('router advertisement', 134, { from: linkLocalOf(mac('a')) }),
  icmpv6('router advertisement of another', 134, { from: ROUTER }),
  icmpv6('advertisement for another', 136, { body: neighbourBody(v6('b')) }),
  icmpv6('advertisement for a router', 136, { from: linkLocalOf(mac('a')), body: neighbourBody(ROUTER) }),
  icmpv6('redirect of another', 137, { from: ROUTER, body: Buffer.concat([neighbourBody(v6('b')), Buffer.alloc(16)]) }),
  icmpv6('claims an address of another', 135, { from: '::', body: neighbourBody(v6('b')) }),
];

/** Right only with an allowed address pair. */
const PAIRED = [
  udp('address of a pair', { from: '10.9.0.1' }),
  udp('address of a pair that is a network', { from: '10.8.77.1' }),
  udp('IPv6 address of a pair', { from: 'fd09::1', to: v6('open') }),
  udp('IPv6 address of a pair that is a network', { from: 'fd08::7:7', to: v6('open') }),
  udp('link-local address of a pair', { from: 'fe80::77', to: v6('open') }),
  udp('MAC address of a pair', { fromMac: PAIR_MAC, from: '10.7.0.1' }),
  udp('link-local address of a pair by its MAC address', {
    fromMac: PAIR_MAC,
    from: linkLocalOf(PAIR_MAC),
    to: v6('open'),
  }),
  arp('address of a pair in arp', '10.9.0.1'),
  arp('network of a pair in arp', '10.8.0.255'),
  arp('MAC address of a pair in arp', '10.7.0.1', { fromMac: PAIR_MAC }),
  icmpv6('advertisement for a pair', 136, { body: neighbourBody('fd09::1') }),
  icmpv6('advertisement for a network', 136, { body: neighbourBody('fd08:0:0:ffff::1') }),
];
/** Wrong also with the pairs: address and MAC address go together. */
const MISMATCHED = [
  udp('own address with the MAC address of a pair', { fromMac: PAIR_MAC }),
  udp('address of a pair with the own MAC address', { from: '10.7.0.1' }),
  udp('beside a pair', { from: '10.9.0.2' }),
  udp('beside a network', { from: '10.16.0.1' }),
  udp('beside an IPv6 network', { from: 'fd07::1', to: v6('open') }),
  arp('own address with the MAC address of a pair in arp', v4('a'), { fromMac: PAIR_MAC }),
  icmpv6('advertisement beside a pair', 136, { body: neighbourBody('fd09::2') }),
];
const PAIRS = [
  ['10.9.0.1', mac('a')],
  ['10.8.0.0/16', mac('a')],
  ['FD09::1', mac('a')],
  ['fd08::/32', mac('a')],
  ['fe80::77', mac('a')],
  ['10.7.0.1', PAIR_MAC],
].map(([ip_address = '', mac_address = '']) => ({ ip_address, mac_address }));

/** Names of all tokens in frames, in order. */
const tokens = (frames: readonly Buffer[]): string[] =>
  frames.map((frame) => /<<(.*)>>/.exec(frame.toString('latin1'))?.[1] ?? '').sort();

test('a VM sends with its own addresses, and speaks for no router, DHCP server or neighbour', () =>
  withGuardedVms(
    [securityGroupRule(1, groupOf('a'), 'egress'), securityGroupRule(2, groupOf('a'), 'egress', { ethertype: 'IPv6' })],
    async ({ agent, pass }) => {
      const all = [...RIGHT, ...WRONG, ...PAIRED, ...MISMATCHED];
      const passed = async () => (await pass('a', 'open', all)).sort();
      assert.deepEqual(await passed(), tokens(RIGHT));

      await agent.feed(vmPort('a', { allowed_address_pairs: PAIRS }));
      assert.deepEqual(await passed(), tokens([...RIGHT, ...PAIRED]), 'with pairs');

      await agent.feed(vmPort('a', { security_groups: [] }));
      const free = tokens(RIGHT).filter((token) => !/^own|^renews/.test(token));
      assert.deepEqual(await passed(), ['renews its address', ...free].sort(), 'without groups');

      await agent.feed(port(VMS.a, NET, {}, { security_groups: [] }));
      assert.deepEqual(
        (await pass('a', 'open', all, discover)).sort(),
        tokens(RIGHT).filter((token) => /asks for|asks whether an /.test(token)),
        'without addresses',
      );

      await agent.feed(vmPort('a', { port_security_enabled: false, security_groups: [] }));
      assert.deepEqual(await passed(), tokens(all), 'without port security');
    },
  ));

test('what the network itself says reaches a VM that has no rules', () =>
  withGuardedVms([], async ({ pass }) => {
    const network = { fromMac: mac('open'), toMac: mac('a') };
    const said = [
      udp('an address', { ...network, from: v4('open'), to: v4('a'), sourcePort: 67, destinationPort: 68 }),
      udp('an address of IPv6', {
        ...network,
        from: ROUTER,
        to: linkLocalOf(mac('a')),
        sourcePort: 547,
        destinationPort: 546,
      }),
      icmpv6('router advertisement', 134, { ...network, from: ROUTER }),
      icmpv6('neighbour solicitation', 135, { ...network, from: ROUTER, to: v6('a'), body: neighbourBody(v6('a')) }),
      icmpv6('neighbour advertisement', 136, { ...network, from: ROUTER, to: v6('a'), body: neighbourBody(ROUTER) }),
      icmpv6('listener query', 130, { ...network, from: ROUTER }),
    ];
    const more = [
      udp('anything else', { ...network, from: v4('open'), to: v4('a') }),
      udp('a request for an address', {
        ...network,
        from: v4('open'),
        to: v4('a'),
        sourcePort: 68,
        destinationPort: 67,
      }),
      icmpv6('echo request', 128, { ...network, from: v6('open'), to: v6('a') }),
      icmpv6('redirect', 137, { ...network, from: ROUTER, to: v6('a') }),
    ];
    assert.deepEqual((await pass('open', 'a', [...said, ...more])).sort(), tokens(said));
  }));
