import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Cidr, formatCidr, parseCidr } from './ip-address.ts';
import { mergeRanges, rangesToCidrs, subtractRanges } from './ip-ranges.ts';

/** Networks within 10.0.0.0/26, so that a set of single addresses can be the oracle. */
const small = fc
  .record({ prefix: fc.integer({ min: 26, max: 32 }), host: fc.integer({ min: 0, max: 63 }) })
  .map(({ prefix, host }) => parseCidr(`10.0.0.${host}/${prefix}`) as Cidr);
const smallSet = fc.array(small, { maxLength: 8 });

const addresses = (ranges: readonly { first: bigint; last: bigint }[]): bigint[] => {
  const found = new Set<bigint>();
  for (const { first, last } of ranges) for (let value = first; value <= last; value++) found.add(value);
  return [...found].sort((a, b) => (a < b ? -1 : 1));
};

test('ranges hold the same addresses merged, subtracted and as networks', () => {
  fc.assert(
    fc.property(smallSet, smallSet, (all, removed) => {
      assert.deepEqual(addresses(mergeRanges(all)), addresses(all));
      const gone = new Set(addresses(removed));
      const left = subtractRanges(all, removed);
      assert.deepEqual(
        addresses(left),
        addresses(all).filter((value) => !gone.has(value)),
      );
      const networks = rangesToCidrs(left, 4);
      assert.deepEqual(addresses(networks), addresses(left));
      for (const network of networks) assert.deepEqual(parseCidr(formatCidr(network)), network, 'a real network');
      for (const [index, network] of networks.entries()) {
        const next = networks[index + 1];
        if (next !== undefined) assert.ok(network.last < next.first, 'in order, none twice');
      }
    }),
  );
});

test('networks are as few as they can be, to the ends of both families', () => {
  const few = (...texts: string[]) => {
    const parsed = texts.map((text) => parseCidr(text) as Cidr);
    return rangesToCidrs(parsed, (parsed[0] as Cidr).version).map(formatCidr);
  };
  assert.deepEqual(few('10.0.0.0/25', '10.0.0.128/25'), ['10.0.0.0/24']);
  assert.deepEqual(few('0.0.0.0/1', '128.0.0.0/1'), ['0.0.0.0/0']);
  assert.deepEqual(few('::/0', 'fd00::/64'), ['::/0']);
  assert.deepEqual(few('255.255.255.255/32'), ['255.255.255.255/32']);
  const rest = subtractRanges([parseCidr('fd00::/62') as Cidr], [parseCidr('fd00::/64') as Cidr]);
  assert.deepEqual(rangesToCidrs(rest, 6).map(formatCidr), ['fd00:0:0:1::/64', 'fd00:0:0:2::/63']);
});
