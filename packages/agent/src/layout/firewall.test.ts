import assert from 'node:assert/strict';
import { test } from 'node:test';
import { network, port, securityGroup, securityGroupRule, subnet, uuid } from '../testing/cloud.ts';
import { worldOf } from '../testing/world.ts';
import type { Item } from './item.ts';
import { allScopes, itemsOf } from './scopes.ts';

const GROUP = 0xc0;
const FIRST = 0x1000;

/** Rules of each chain of a host with so many ports in one group, which admits its members. */
function chains(count: number): Map<string, readonly string[]> {
  const numbers = Array.from({ length: count }, (_, n) => FIRST + n);
  const world = worldOf(
    [
      network(0xa0),
      subnet(0xa1, 0xa0, '10.0.0.0/16', null),
      securityGroup(GROUP),
      securityGroupRule(1, GROUP, 'ingress', { remote_group_id: uuid(GROUP) }),
      securityGroupRule(2, GROUP, 'egress'),
      ...numbers.map((n) => port(n, 0xa0, { [`10.0.${n >> 8}.${n & 255}`]: 0xa1 }, { security_groups: [uuid(GROUP)] })),
    ],
    numbers,
  );
  const found = new Map<string, Item>();
  for (const scope of allScopes(world)) for (const item of itemsOf(world, scope)) found.set(item.key, item);
  return new Map([...found.values()].flatMap((item) => (item.type === 'nft-chain' ? [[item.key, item.rules]] : [])));
}

test('a packet passes the same rules with one port on the host and with a thousand', () => {
  const few = chains(1);
  const many = chains(1000);
  for (const [key, rules] of few) assert.deepEqual(many.get(key), rules, key);
  assert.equal(
    many.size - few.size,
    3 * 999,
    'three chains more for each port, none of which another port’s packet sees',
  );
});
