import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptNumbers } from '../reconcile/adopt-numbers.ts';
import { HOST } from './item.ts';
import { binding, device, nftElement } from './make-item.ts';
import { markOf, numberIn } from './marks.ts';
import { Numbers } from './numbers.ts';

test('names keep their numbers, and numbers given back are given out again', () => {
  const numbers = new Numbers();
  assert.deepEqual(
    ['a', 'b', 'a'].map((name) => numbers.of(name)),
    [1, 2, 1],
  );
  numbers.adopt('c', 3);
  numbers.adopt('d', 3);
  assert.equal(numbers.of('d'), 4);
  numbers.retain((name) => name !== 'b');
  const fresh = Array.from({ length: 0xfffe - 3 }, (_, index) => numbers.of(`x${index}`));
  assert.ok(fresh.includes(2));
  assert.throws(() => numbers.of('one too many'), /more than/);
});

test('a mark carries its number', () => {
  assert.equal(numberIn(markOf(7)), 7);
  assert.equal(numberIn(7), undefined);
  assert.equal(numberIn(0x5058_0007), undefined);
});

test('a restarted agent takes over the numbers of taps and bridges', () => {
  const numbers = new Numbers();
  adoptNumbers(numbers, [
    device({ namespace: 'qrouter-1', name: 'qr-1', mac: '', mtu: 1, tap: 'tap-1', bridge: 'brq-1' }),
    binding('tap-2', 'brq-2', 1500),
    nftElement(HOST, 'bridge', 'taps', 'tap-1', String(markOf(11))),
    nftElement(HOST, 'bridge', 'taps', 'tap-2', String(markOf(22))),
    nftElement(HOST, 'bridge', 'guarded', 'tap-2'),
    nftElement(HOST, 'inet', 'zones', String(markOf(22)), '33'),
  ]);
  assert.deepEqual(
    ['brq-1', 'tap-2', 'brq-2'].map((name) => numbers.of(name)),
    [11, 22, 33],
  );
});
