import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tapDevice } from '@portward/model/device-names.ts';
import type { FeedObjects } from '@portward/model/feed.ts';
import type { Connection, Tuple } from '../kernel/conntrack.ts';
import { Admission } from '../layout/admission.ts';
import { HOST, type Item } from '../layout/item.ts';
import { nftChain, nftElement } from '../layout/make-item.ts';
import type { Port } from '../layout/world.ts';
import { macOf, network, port, securityGroup, securityGroupRule, subnet, uuid } from '../testing/cloud.ts';
import { worldOf } from '../testing/world.ts';
import { isAdmitted, looksAt, portsOf, Zone } from './guarded-connections.ts';
import type { Operation } from './operation.ts';

const [WEB, DB, LOOSE] = [0xc0, 0xc1, 0xc2];
const [A, B, C, OPEN, FREE] = [0xd1, 0xd2, 0xd3, 0xd4, 0xd5];
const pairs = (...addresses: string[]) => ({
  allowed_address_pairs: addresses.map((ip_address) => ({ ip_address, mac_address: macOf(A) })),
});
const vm = (number: number, groups: number[], more: Partial<FeedObjects['port']> = {}) =>
  port(number, 0xa0, { [`10.0.0.${number - 0xd0}`]: 0xa1 }, { security_groups: groups.map(uuid), ...more });

/** `a` and `b` take TCP 80 from `db`'s members, of whom `c` is one; all three send. `free` has stateless groups only. */
const world = worldOf(
  [
    network(0xa0),
    subnet(0xa1, 0xa0, '10.0.0.0/24', null),
    securityGroup(WEB),
    securityGroup(DB),
    securityGroup(LOOSE, false),
    securityGroupRule(1, WEB, 'ingress', {
      protocol: 'tcp',
      port_range_min: 80,
      port_range_max: 80,
      remote_group_id: uuid(DB),
    }),
    securityGroupRule(2, DB, 'egress'),
    securityGroupRule(3, WEB, 'egress', { protocol: 'icmp', port_range_min: 8 }),
    vm(A, [WEB], pairs('10.7.0.1')),
    vm(B, [WEB], pairs('10.0.0.0/16')),
    vm(C, [DB]),
    vm(OPEN, [], { port_security_enabled: false }),
    vm(FREE, [LOOSE]),
    vm(0xd9, [WEB]),
  ],
  [A, B, C, OPEN, FREE],
);
const portOf = (number: number): Port => world.replica.get('port', uuid(number)) as Port;
const zone = new Zone(7);
for (const number of [A, B, C, OPEN, FREE]) zone.add(portOf(number));

const touched = (action: Operation['action'], ...items: Item[]) =>
  [
    ...portsOf(
      world,
      items.map((item) => ({ action, item, scope: 'host:' }) as Operation),
    ),
  ]
    .map(({ id }) => Number.parseInt(id.slice(0, 8), 16))
    .sort();
const chain = (name: string, family: 'inet' | 'bridge' = 'inet') => nftChain(HOST, family, name, []);
const element = (set: string) => nftElement(HOST, 'inet', set, '10.0.0.9');

test('a change concerns the ports of this host that may admit less after it', () => {
  assert.deepEqual(touched('change', chain(`group-${uuid(WEB)}-ingress`)), [A, B]);
  assert.deepEqual(touched('remove', chain(`group-${uuid(DB)}-egress`)), [C]);
  assert.deepEqual(touched('add', chain(`group-${uuid(WEB)}-ingress`)), [], 'what comes into use cuts nothing');
  assert.deepEqual(touched('change', chain(`to-${tapDevice(uuid(A))}`)), [A]);
  assert.deepEqual(touched('add', chain(`from-${tapDevice(uuid(A))}`)), [A], 'port security goes on');
  assert.deepEqual(touched('remove', chain(`from-${tapDevice(uuid(A))}`)), []);
  assert.deepEqual(touched('change', chain(`from-${tapDevice(uuid(A))}`, 'bridge')), []);
  assert.deepEqual(touched('remove', element(`members4-${uuid(DB)}`)), [A, B], 'those that admit the group');
  assert.deepEqual(touched('remove', element(`networks6-${uuid(DB)}`)), [A, B]);
  assert.deepEqual(touched('add', element(`members4-${uuid(DB)}`)), []);
  assert.deepEqual(touched('remove', element(`addresses4-${uuid(DB)}`)), []);
  assert.deepEqual(touched('remove', element('zones')), []);
});

test('few addresses are looked for each, many as a zone, and nothing where nobody is guarded', () => {
  const look = (...numbers: number[]) => looksAt(zone, new Set(numbers.map(uuid)));
  const both = (destination: string) =>
    (['original', 'reply'] as const).map((direction) => ({ zone: 7, direction, destination }));
  assert.deepEqual(look(C), both('10.0.0.3'));
  assert.deepEqual(look(A), [...both('10.0.0.1'), ...both('10.7.0.1')]);
  assert.deepEqual(look(B), [{ zone: 7, direction: 'any' }], 'a pair that is a network');
  assert.deepEqual(look(A, C, FREE), [{ zone: 7, direction: 'any' }]);
  assert.deepEqual(look(OPEN), []);
  assert.deepEqual(look(), []);
  assert.deepEqual(looksAt(zone, undefined), [{ zone: 7, direction: 'any' }]);
});

const tuple = (source: string, destination: string, more: Partial<Tuple> = {}): Tuple => ({
  source,
  destination,
  protocol: 6,
  sourcePort: 4000,
  destinationPort: 80,
  type: 0,
  code: 0,
  ...more,
});
const reversed = ({ source, destination, sourcePort, destinationPort, ...rest }: Tuple): Tuple => ({
  ...rest,
  source: destination,
  destination: source,
  sourcePort: destinationPort,
  destinationPort: sourcePort,
});

const CONNECTIONS: [what: string, original: Tuple, admitted: boolean, reply?: Tuple][] = [
  ['a member', tuple('10.0.0.3', '10.0.0.1'), true],
  ['a member, at another port', tuple('10.0.0.3', '10.0.0.1', { destinationPort: 81 }), false],
  ['no member', tuple('10.0.0.4', '10.0.0.1'), false],
  ['a stranger', tuple('192.0.2.1', '10.0.0.1'), false],
  ['sent by who may not', tuple('10.0.0.1', '192.0.2.1'), false],
  ['sent by who may', tuple('10.0.0.3', '192.0.2.1', { protocol: 17 }), true],
  [
    'an echo request',
    tuple('10.0.0.1', '192.0.2.1', { protocol: 1, type: 8, sourcePort: 0, destinationPort: 0 }),
    true,
  ],
  ['another type', tuple('10.0.0.1', '192.0.2.1', { protocol: 1, type: 13, sourcePort: 0, destinationPort: 0 }), false],
  ['from a port that is not guarded', tuple('10.0.0.4', '192.0.2.1'), true],
  ['to a port that is not guarded', tuple('192.0.2.1', '10.0.0.4'), true],
  ['of a stateless port', tuple('10.0.0.5', '192.0.2.1'), true],
  ['to the single address of a pair', tuple('10.0.0.3', '10.7.0.1'), true],
  ['to the network of a pair', tuple('10.0.0.4', '10.0.77.1'), false],
  ['to an address that another has itself', tuple('192.0.2.1', '10.0.0.4'), true],
  ['of nobody here', tuple('192.0.2.1', '198.51.100.1'), true],
  [
    'where the operator translates',
    tuple('10.0.0.3', '198.51.100.1', { destinationPort: 8080 }),
    true,
    reversed(tuple('10.0.0.3', '10.0.0.1')),
  ],
];

for (const [what, original, admitted, reply = reversed(original)] of CONNECTIONS) {
  test(`a connection ${admitted ? 'stays' : 'is cut'}: ${what}`, () => {
    const connection: Connection = { original, reply, zone: 7, handle: Buffer.alloc(0) };
    assert.equal(isAdmitted(world, new Admission(world), zone, connection), admitted);
  });
}
