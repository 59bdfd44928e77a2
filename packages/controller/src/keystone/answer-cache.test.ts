import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerCache } from './answer-cache.ts';

test('answers count for their time, and the least recently used one makes room', () => {
  let now = 0;
  const cache = new AnswerCache<number>(2, () => now);
  cache.set('a', 1, 10);
  cache.set('b', 2, 20);
  assert.equal(cache.get('a'), 1);
  cache.set('c', 3, 20);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
  now = 10;
  assert.deepEqual([cache.get('a'), cache.get('c')], [undefined, 3]);
  cache.set('c', 4, 10);
  assert.equal(cache.get('c'), undefined, 'one whose time is over replaces the one before');
});
