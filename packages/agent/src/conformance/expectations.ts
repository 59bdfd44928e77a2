import type { Combination } from './packet-cloud.ts';
import type { Attempt, Means } from './prober.ts';

/**
 * What packets meet: who reaches which address and port by which protocol, and what comes of it (see prober.py for the
 * words). They say nothing of rules, so that every back end and every kind of router can be held to them.
 */
export interface Expectation extends Attempt {
  /** What is promised. */
  readonly that: string;
  /** Namespace of the client. */
  readonly from: string;
  readonly by: Means;
  /** `address:port`, or an address. */
  readonly to: string;
  /** Outcome; where the kinds of routers differ by their nature, one for each. */
  readonly outcome: string | Record<Combination['router'], string>;
  /** Combinations that cannot meet it, with the reason. */
  readonly except?: { readonly reason: string; readonly where: Partial<Combination> };
}

type More = Attempt & Pick<Expectation, 'except'>;

const expect = (
  that: string,
  from: string,
  by: Means,
  to: string,
  outcome: Expectation['outcome'],
  more: More = {},
): Expectation => ({ that, from, by, to, outcome, ...more });

const CLIENT = '10.11.7.100';

const INBOUND: Expectation[] = [
  expect(
    'a floating IP from another subnet of the external network',
    'client',
    'tcp',
    '10.13.7.4:2222',
    '192.168.2.80:22 sees 10.13.7.100',
  ),
  ...[
    ['2222', '192.168.2.79:22', 'tcp'],
    ['2023', '192.168.2.80:22', 'tcp'],
    ['3333', '192.168.3.79:22', 'tcp'],
    ['5300', '192.168.2.79:53', 'udp'],
    ['5301', '192.168.3.79:53', 'udp'],
    ['9000', '192.168.2.79:9', 'sctp'],
  ].map(([port, server, by]) =>
    expect(
      'a forwarding leads to its VM, which sees the client',
      'client',
      by as Means,
      `10.11.7.4:${port}`,
      `${server} sees ${CLIENT}`,
    ),
  ),
  ...[0, 1, 2].flatMap((step) => [
    expect(
      'a shifted range leads port by port',
      'client',
      'tcp',
      `10.11.7.4:${3000 + step}`,
      `192.168.2.79:${4000 + step} sees ${CLIENT}`,
    ),
    expect(
      'a shifted range leads port by port',
      'client',
      'udp',
      `10.11.7.4:${3000 + step}`,
      `192.168.2.80:${4000 + step} sees ${CLIENT}`,
    ),
    expect(
      'a range on one port leads there',
      'client',
      'tcp',
      `10.11.7.4:${3100 + step}`,
      `192.168.2.79:22 sees ${CLIENT}`,
    ),
    expect(
      'a range on one port leads there',
      'client',
      'udp',
      `10.11.7.4:${3100 + step}`,
      `192.168.2.80:53 sees ${CLIENT}`,
    ),
  ]),
  ...[0, 1].flatMap((step) => [
    expect(
      'a shifted range leads port by port',
      'client',
      'sctp',
      `10.11.7.4:${9100 + step}`,
      `192.168.2.80:${9 + step} sees ${CLIENT}`,
    ),
    expect(
      'a range on one port leads there',
      'client',
      'sctp',
      `10.11.7.4:${9200 + step}`,
      `192.168.2.80:9 sees ${CLIENT}`,
    ),
  ]),
  expect(
    'one port leads elsewhere by another protocol',
    'client',
    'tcp',
    '10.11.7.4:5353',
    `192.168.2.79:53 sees ${CLIENT}`,
  ),
  expect(
    'one port leads elsewhere by another protocol',
    'client',
    'udp',
    '10.11.7.4:5353',
    `192.168.2.80:53 sees ${CLIENT}`,
  ),
  expect('what is not forwarded is refused', 'client', 'tcp', '10.11.7.4:22', 'refused'),
  expect('what is not forwarded is refused', 'client', 'udp', '10.11.7.4:22', 'refused by 10.11.7.4'),
  expect('the port before a range is refused', 'client', 'tcp', '10.11.7.4:2999', 'refused'),
  expect('the port after a range is refused', 'client', 'tcp', '10.11.7.4:3003', 'refused'),
  expect('the port after a range is refused', 'client', 'udp', '10.11.7.4:3103', 'refused by 10.11.7.4'),
  expect('TCP is refused where UDP is forwarded', 'client', 'tcp', '10.11.7.4:5300', 'refused'),
  expect('a port that the VM does not listen on is refused', 'client', 'tcp', '10.11.7.4:2399', 'refused'),
  expect(
    'the second floating IP of a router has ports of its own',
    'client',
    'tcp',
    '10.11.7.14:2222',
    `192.168.2.80:22 sees ${CLIENT}`,
  ),
  expect(
    'the second floating IP of a router has ports of its own',
    'client',
    'udp',
    '10.11.7.14:5300',
    `192.168.2.80:53 sees ${CLIENT}`,
  ),
  expect('the second floating IP does not have those of the first', 'client', 'tcp', '10.11.7.14:2023', 'refused'),
  ...['tcp', 'udp', 'sctp'].map((by) =>
    expect(
      'overlapping tenants are told apart',
      'client',
      by as Means,
      { tcp: '10.11.7.24:2222', udp: '10.11.7.24:5300', sctp: '10.11.7.24:9000' }[by] ?? '',
      `192.168.2.79:${{ tcp: 22, udp: 53, sctp: 9 }[by]} sees ${CLIENT}`,
    ),
  ),
  expect(
    'another external network works beside',
    'client-b',
    'tcp',
    '10.12.7.4:2222',
    '192.168.5.79:22 sees 10.12.7.100',
  ),
  expect(
    'another external network works beside',
    'client-b',
    'udp',
    '10.12.7.4:5300',
    '192.168.5.79:53 sees 10.12.7.100',
  ),
  expect('external networks reach each other', 'client', 'tcp', '10.12.7.4:2222', `192.168.5.79:22 sees ${CLIENT}`),
  expect('from far away', 'far', 'tcp', '10.11.7.4:2222', '192.168.2.79:22 sees 10.20.0.2'),
  expect(
    'a floating IP of one VM leads there whatever the port',
    'client',
    'tcp',
    '10.11.7.6:22',
    `192.168.2.81:22 sees ${CLIENT}`,
  ),
  expect(
    'a floating IP of one VM leads there whatever the port',
    'client',
    'udp',
    '10.11.7.6:53',
    `192.168.2.81:53 sees ${CLIENT}`,
  ),
  expect(
    'a floating IP of one VM leads there whatever the protocol',
    'client',
    'sctp',
    '10.11.7.6:9',
    `192.168.2.81:9 sees ${CLIENT}`,
  ),
  expect('a floating IP of one VM answers a ping', 'client', 'ping', '10.11.7.6', 'answer from 10.11.7.6'),
  expect('a floating IP of one VM refuses as the VM does', 'client', 'tcp', '10.11.7.6:999', 'refused'),
  expect(
    'a floating IP of one VM, of the overlapping tenant',
    'client',
    'tcp',
    '10.11.7.26:22',
    `192.168.2.80:22 sees ${CLIENT}`,
  ),
  expect(
    'a floating IP of one VM, on the other external network',
    'client-b',
    'tcp',
    '10.12.7.6:22',
    '192.168.5.80:22 sees 10.12.7.100',
  ),
];

/** A VM to forwardings and floating IPs, from everywhere inside. The server sees an address that leads back. */
const HAIRPIN: Expectation[] = [
  ...[
    ['vm2', '10.11.7.3'],
    ['vm3', '10.11.7.3'],
    ['other1', '10.11.7.5'],
  ].map(([from = '', seen]) =>
    expect(
      'hairpin: a floating IP from another subnet of the external network',
      from,
      'tcp',
      '10.13.7.4:2222',
      `192.168.2.80:22 sees ${seen}`,
    ),
  ),
  ...(
    [
      ['itself', 'vm1', '10.11.7.3'],
      ['a neighbour on the subnet', 'vm2', '10.11.7.3'],
      ['a neighbour on the subnet with a floating IP', 'vm4', '10.11.7.6'],
      ['another subnet of the router', 'vm3', '10.11.7.3'],
      ['another router', 'other1', '10.11.7.5'],
      ['another router’s floating IP', 'other2', '10.11.7.26'],
      ['a router on another external network', 'vm6', '10.12.7.6'],
    ] as const
  ).flatMap(([who, from, seen]) => [
    expect(`hairpin: a forwarding from ${who}`, from, 'tcp', '10.11.7.4:2222', `192.168.2.79:22 sees ${seen}`),
    expect(`hairpin: a forwarding from ${who}`, from, 'udp', '10.11.7.4:5300', `192.168.2.79:53 sees ${seen}`),
    expect(`hairpin: a forwarding from ${who}`, from, 'sctp', '10.11.7.4:9000', `192.168.2.79:9 sees ${seen}`),
    expect(`hairpin: a range from ${who}`, from, 'tcp', '10.11.7.4:3001', `192.168.2.79:4001 sees ${seen}`),
    expect(`hairpin: what is not forwarded, from ${who}`, from, 'tcp', '10.11.7.4:22', 'refused'),
  ]),
  ...(
    [
      ['itself', 'vm4', '10.11.7.6'],
      ['a neighbour on the subnet', 'vm1', '10.11.7.3'],
      ['another subnet of the router', 'vm3', '10.11.7.3'],
      ['another router', 'other1', '10.11.7.5'],
      ['another router’s floating IP', 'other2', '10.11.7.26'],
    ] as const
  ).flatMap(([who, from, seen]) => [
    expect(`hairpin: a floating IP from ${who}`, from, 'tcp', '10.11.7.6:22', `192.168.2.81:22 sees ${seen}`),
    expect(`hairpin: a floating IP from ${who}`, from, 'udp', '10.11.7.6:53', `192.168.2.81:53 sees ${seen}`),
    expect(`hairpin: a floating IP from ${who}`, from, 'ping', '10.11.7.6', 'answer from 10.11.7.6'),
  ]),
  expect(
    'hairpin: from a subnet to a forwarding on the other',
    'vm1',
    'tcp',
    '10.11.7.4:3333',
    '192.168.3.79:22 sees 10.11.7.3',
  ),
  expect(
    'hairpin: overlapping addresses on both sides',
    'vm1',
    'tcp',
    '10.11.7.24:2222',
    '192.168.2.79:22 sees 10.11.7.3',
  ),
  expect('hairpin: large answers', 'vm2', 'udp', '10.11.7.4:5300', '192.168.2.79:53 sees 10.11.7.3 +4000', {
    size: 4000,
  }),
  expect(
    'subnets of a router reach each other as they are',
    'vm3',
    'tcp',
    '192.168.2.79:22',
    '192.168.2.79:22 sees 192.168.3.79',
  ),
  expect(
    'neighbours reach each other as they are',
    'vm2',
    'tcp',
    '192.168.2.79:22',
    '192.168.2.79:22 sees 192.168.2.80',
  ),
];

const EGRESS: Expectation[] = [
  expect('what leaves has the router’s address', 'vm1', 'tcp', '10.11.7.100:80', '10.11.7.100:80 sees 10.11.7.3'),
  expect('what leaves has the router’s address', 'vm3', 'udp', '10.11.7.100:53', '10.11.7.100:53 sees 10.11.7.3'),
  expect('what leaves has the router’s address', 'vm1', 'sctp', '10.11.7.100:9', '10.11.7.100:9 sees 10.11.7.3'),
  expect('what leaves has the router’s address', 'vm1', 'tcp', '10.20.0.2:80', '10.20.0.2:80 sees 10.11.7.3'),
  expect('each router has its own address', 'other1', 'tcp', '10.11.7.100:80', '10.11.7.100:80 sees 10.11.7.5'),
  expect('who leaves pings', 'vm1', 'ping', '10.11.7.100', 'answer from 10.11.7.100'),
  expect('a VM with a floating IP leaves by it', 'vm4', 'tcp', '10.11.7.100:80', '10.11.7.100:80 sees 10.11.7.6'),
  expect('a VM with a floating IP leaves by it', 'vm4', 'udp', '10.11.7.100:53', '10.11.7.100:53 sees 10.11.7.6'),
  expect('a VM with a floating IP leaves by it', 'other2', 'tcp', '10.11.7.100:80', '10.11.7.100:80 sees 10.11.7.26'),
  expect('without SNAT what leaves stays as it is', 'vm5', 'tcp', '10.12.7.100:80', '10.12.7.100:80 sees 192.168.5.79'),
  expect('without SNAT what leaves stays as it is', 'vm5', 'udp', '10.12.7.100:53', '10.12.7.100:53 sees 192.168.5.79'),
  expect(
    'without SNAT who comes by name of the subnet gets in',
    'client-b',
    'tcp',
    '192.168.5.79:22',
    '192.168.5.79:22 sees 10.12.7.100',
  ),
  expect(
    'without SNAT a floating IP holds all the same',
    'vm6',
    'tcp',
    '10.12.7.100:80',
    '10.12.7.100:80 sees 10.12.7.6',
  ),
  expect('without SNAT a hairpin holds all the same', 'vm6', 'udp', '10.12.7.4:5300', '192.168.5.79:53 sees 10.12.7.6'),
  expect('without SNAT a hairpin holds all the same', 'vm5', 'tcp', '10.12.7.4:2222', '192.168.5.79:22 sees 10.12.7.3'),
];

/** Errors quote a packet: the one that their receiver had sent. */
const ERRORS: Expectation[] = [
  expect(
    'a closed UDP port is refused in the floating IP’s name',
    'client',
    'udp',
    '10.11.7.4:5399',
    'refused by 10.11.7.4',
  ),
  expect('… inside as well', 'vm2', 'udp', '10.11.7.4:5399', 'refused by 10.11.7.4'),
  expect('… to itself', 'vm1', 'udp', '10.11.7.4:5399', 'refused by 10.11.7.4'),
  expect('… from another router', 'other1', 'udp', '10.11.7.4:5399', 'refused by 10.11.7.4'),
  expect('… of a floating IP of one VM', 'client', 'udp', '10.11.7.6:999', 'refused by 10.11.7.6'),
  expect('… on the way out', 'vm1', 'udp', '10.11.7.100:999', 'refused by 10.11.7.100'),
  expect(
    'traceroute to a forwarding meets the router',
    'client',
    'udp',
    '10.11.7.4:5300',
    'time exceeded at 10.11.7.4',
    { ttl: 1 },
  ),
  expect('… and then the VM', 'client', 'udp', '10.11.7.4:5300', `192.168.2.79:53 sees ${CLIENT}`, { ttl: 2 }),
  expect('traceroute out meets the router', 'vm1', 'udp', '10.20.0.2:53', 'time exceeded at 192.168.2.1', { ttl: 1 }),
  expect(
    '… then the next',
    'vm1',
    'udp',
    '10.20.0.2:53',
    { centralised: 'time exceeded at 10.11.7.1', distributed: 'time exceeded at 192.168.2.4' },
    { ttl: 2 },
  ),
  expect(
    '… by ICMP too',
    'vm1',
    'ping',
    '10.20.0.2',
    { centralised: 'time exceeded at 10.11.7.1', distributed: 'time exceeded at 192.168.2.4' },
    { ttl: 2 },
  ),
  expect('… and gets there', 'vm1', 'ping', '10.20.0.2', 'answer from 10.20.0.2', { ttl: 4 }),
  expect(
    'a packet too big for the way in is told so',
    'client',
    'udp',
    '10.11.7.14:5300',
    'too big at 10.11.7.14: 1450',
    { size: 1470, whole: true },
  ),
  expect('a packet too big for the way out is told so', 'vm1', 'udp', '10.20.0.2:53', 'too big at 10.11.7.1: 1300', {
    size: 1400,
    whole: true,
  }),
  expect(
    'an answer too big for the way back comes in pieces',
    'far',
    'udp',
    '10.11.7.4:5353',
    '192.168.2.80:53 sees 10.20.0.2 +1270',
    { size: 1270 },
  ),
  expect(
    'fragments pass a forwarding, there and back',
    'client',
    'udp',
    '10.11.7.4:5300',
    `192.168.2.79:53 sees ${CLIENT} +1470`,
    { size: 1470 },
  ),
  expect(
    'fragments pass a forwarding, there and back',
    'client',
    'udp',
    '10.11.7.4:5300',
    `192.168.2.79:53 sees ${CLIENT} +4000`,
    { size: 4000 },
  ),
  expect(
    'fragments pass a forwarding, there and back',
    'client',
    'udp',
    '10.11.7.4:3000',
    `192.168.2.80:4000 sees ${CLIENT} +30000`,
    { size: 30_000 },
  ),
  expect(
    'fragments pass a floating IP, there and back',
    'client',
    'udp',
    '10.11.7.6:53',
    `192.168.2.81:53 sees ${CLIENT} +4000`,
    { size: 4000 },
  ),
  expect('fragments pass on the way out', 'vm1', 'udp', '10.11.7.100:53', '10.11.7.100:53 sees 10.11.7.3 +4000', {
    size: 4000,
  }),
  expect('much passes by TCP', 'far', 'tcp', '10.11.7.4:2222', '192.168.2.79:22 sees 10.20.0.2 +100000', {
    size: 100_000,
  }),
  expect('large pings pass', 'client', 'ping', '10.11.7.6', 'answer from 10.11.7.6', { size: 3000 }),
];

/** A forwarding without ports leads nowhere; the address answers for itself. */
const UNTRANSLATED: Expectation[] = [
  expect('an icmp forwarding leads no ping to the VM', 'client', 'ping', '10.11.7.4', 'answer from 10.11.7.4'),
  expect('a dccp forwarding leads nowhere', 'client', 'dccp', '10.11.7.4:3202', 'unreachable by 10.11.7.4'),
  expect(
    'dccp reaches the floating IP of one VM',
    'client',
    'dccp',
    '10.11.7.6:3202',
    `192.168.2.81:3202 sees ${CLIENT}`,
  ),
  expect('an icmp forwarding opens no TCP port', 'client', 'tcp', '10.11.7.4:3200', 'refused'),
];

/** A VM with a floating IP that forwards to its neighbours itself. */
const OWN_TRANSLATION: Expectation[] = [
  expect('a VM forwards and masquerades', 'client', 'tcp', '10.11.7.7:8022', '192.168.2.80:22 sees 192.168.2.90'),
  expect('a VM forwards and masquerades', 'client', 'udp', '10.11.7.7:8053', '192.168.2.80:53 sees 192.168.2.90'),
  expect(
    'a VM forwards and masquerades, asked from another router',
    'other1',
    'tcp',
    '10.11.7.7:8022',
    '192.168.2.80:22 sees 192.168.2.90',
  ),
  expect(
    'a VM forwards and masquerades, asked from its subnet',
    'vm1',
    'tcp',
    '10.11.7.7:8022',
    '192.168.2.80:22 sees 192.168.2.90',
  ),
  expect(
    'a VM forwards and keeps the client’s address',
    'client',
    'tcp',
    '10.11.7.8:8022',
    '192.168.2.80:22 sees 10.11.7.110',
    { source: '10.11.7.110' },
  ),
  expect(
    'a VM forwards and keeps the client’s address',
    'client',
    'udp',
    '10.11.7.8:8053',
    '192.168.2.80:53 sees 10.11.7.110',
    { source: '10.11.7.110' },
  ),
  expect('… in pieces too', 'client', 'udp', '10.11.7.8:8053', '192.168.2.80:53 sees 10.11.7.110 +4000', {
    source: '10.11.7.110',
    size: 4000,
  }),
];

export const EXPECTATIONS: readonly Expectation[] = [
  ...INBOUND,
  ...HAIRPIN,
  ...EGRESS,
  ...ERRORS,
  ...UNTRANSLATED,
  ...OWN_TRANSLATION,
];
