import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attempt,
  after,
  type Change,
  FIRST_STATE,
  type Outcome,
  outcome,
  survives,
  type WalkState,
} from './walk/model.ts';

const through = (...changes: Change[]): WalkState => changes.reduce(after, FIRST_STATE);
const FLOATING = '10.11.7.4';
const allocated: Change = { op: 'allocate', floating: FLOATING };
const ssh: Change = {
  op: 'forward',
  floating: FLOATING,
  forwarding: { protocol: 'tcp', external: [2222, 2222], internal: [22, 22], vm: 'a1' },
};
const range: Change = {
  op: 'forward',
  floating: FLOATING,
  forwarding: { protocol: 'udp', external: [3000, 3002], internal: [4000, 4002], vm: 'b1' },
};
const many: Change = {
  op: 'forward',
  floating: FLOATING,
  forwarding: { protocol: 'udp', external: [2222, 2223], internal: [53, 53], vm: 'a2' },
};
const associated: Change = { op: 'associate', floating: FLOATING, vm: 'a1' };
const CLIENT_SEEN = { sees: '10.11.7.100' };
const inward = (port: number, protocol: 'tcp' | 'udp' = 'tcp'): Attempt => ({
  ...{ from: 'client', to: FLOATING, port, protocol },
});
const toA1 = { by: '192.168.2.79:22', ...CLIENT_SEEN };
const between = (from: 'a1' | 'a2', to: string): Attempt => ({ from, to, port: 22, protocol: 'tcp' });
const outwards: Attempt = { from: 'a1', to: '10.11.7.100', port: 80, protocol: 'tcp' };

const off: Change = { op: 'power', up: false };
const snatOff: Change = { op: 'gateway', gateway: { address: '10.11.7.3', snat: false } };

test('the model tells what becomes of a packet', () => {
  const table: [what: string, Change[], Attempt, Outcome][] = [
    ['no floating IP', [], inward(2222), 'silent'],
    ['one that is used for nothing', [allocated], inward(2222), 'silent'],
    ['a forwarding', [allocated, ssh], inward(2222), toA1],
    ['a port beside it', [allocated, ssh], inward(2223), 'refused'],
    ['the other protocol', [allocated, ssh], inward(2222, 'udp'), 'refused'],
    ['its last one gone', [allocated, ssh, { op: 'unforward', floating: FLOATING, index: 0 }], inward(2222), 'silent'],
    ['a range', [allocated, range], inward(3001, 'udp'), { by: '192.168.3.79:4001', ...CLIENT_SEEN }],
    ['many to one', [allocated, many], inward(2223, 'udp'), { by: '192.168.2.80:53', ...CLIENT_SEEN }],
    [
      'another target',
      [allocated, ssh, { op: 'alter', floating: FLOATING, index: 0, forwarding: { ...ssh.forwarding, vm: 'a2' } }],
      inward(2222),
      { by: '192.168.2.80:22', ...CLIENT_SEEN },
    ],
    ['a router that is off', [allocated, ssh, off], inward(2222), 'silent'],
    ['a VM without port', [allocated, ssh, { op: 'remove', vm: 'a1' }], inward(2222), 'silent'],
    ['what the group keeps out', [allocated, ssh, { op: 'forbid', admission: 'tcp' }], inward(2222), 'silent'],
    [
      'what the group would keep out of a guarded VM',
      [allocated, ssh, { op: 'forbid', admission: 'tcp' }, { op: 'guard', vm: 'a1', guarded: false }],
      inward(2222),
      toA1,
    ],
    ['an association', [allocated, associated], inward(22), toA1],
    ['a port on which nobody listens', [allocated, associated], inward(2222), 'refused'],
    [
      'an association that ended',
      [allocated, associated, { op: 'disassociate', floating: FLOATING }],
      inward(22),
      'silent',
    ],
    ['hairpin', [allocated, ssh], { ...inward(2222), from: 'a2' }, { by: '192.168.2.79:22' }],
    [
      'hairpin from a network without router',
      [allocated, ssh, { op: 'detach', network: 'b' }],
      { ...inward(2222), from: 'b1' },
      'silent',
    ],
    ['a neighbour', [off], between('a1', '192.168.2.80'), { by: '192.168.2.80:22', sees: '192.168.2.79' }],
    ['the other network', [], between('a1', '192.168.3.79'), { by: '192.168.3.79:22', sees: '192.168.2.79' }],
    [
      'the other network by IPv6, without gateway',
      [{ op: 'gateway', gateway: null }],
      between('a1', 'fd00:b::79'),
      { by: 'fd00:b::79:22', sees: 'fd00:a::79' },
    ],
    [
      'the other network by IPv6, without router',
      [{ op: 'detach', network: 'b' }],
      between('a1', 'fd00:b::79'),
      'silent',
    ],
    ['the other network without router', [off], between('a1', '192.168.3.79'), 'silent'],
    ['the way out', [], outwards, { by: '10.11.7.100:80', sees: '10.11.7.3' }],
    ['with a floating IP', [allocated, associated], outwards, { by: '10.11.7.100:80', sees: FLOATING }],
    ['without translation', [snatOff], outwards, 'silent'],
    ['without gateway', [{ op: 'gateway', gateway: null }], outwards, 'silent'],
  ];
  for (const [what, changes, attempt, expected] of table) {
    assert.deepEqual(outcome(through(...changes), attempt), expected, what);
  }
});

test('the model tells which connections live on', () => {
  const seen = (sees: string) => ({ by: '10.11.7.100:80', sees });
  const table: [what: string, Change[], Change, Attempt, Outcome, boolean][] = [
    ['another forwarding', [allocated, ssh], range, inward(2222), toA1, true],
    ['its own goes', [allocated, ssh], { op: 'unforward', floating: FLOATING, index: 0 }, inward(2222), toA1, false],
    ['the router goes', [allocated, ssh], off, inward(2222), toA1, false],
    ['the router goes, among neighbours', [], off, between('a1', '192.168.2.80'), { by: '192.168.2.80:22' }, true],
    ['a floating IP comes', [allocated], associated, outwards, seen('10.11.7.3'), true],
    [
      'a floating IP goes',
      [allocated, associated],
      { op: 'disassociate', floating: FLOATING },
      outwards,
      seen(FLOATING),
      false,
    ],
    ['translation goes', [], snatOff, outwards, seen('10.11.7.3'), false],
    [
      'another gateway address',
      [],
      { op: 'gateway', gateway: { address: '10.11.7.9', snat: true } },
      outwards,
      seen('10.11.7.3'),
      false,
    ],
  ];
  for (const [what, changes, change, attempt, answered, lives] of table) {
    assert.equal(survives(through(...changes, change), attempt, answered), lives, what);
  }
});
