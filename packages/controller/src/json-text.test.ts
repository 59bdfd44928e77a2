import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnfit } from './json-text.ts';

const deep = (text: string): boolean => isUnfit(Buffer.from(text));

test('bodies of a hundred levels pass, deeper ones do not', () => {
  assert.equal(deep(`${'['.repeat(100)}${']'.repeat(100)}`), false);
  assert.equal(deep(`${'['.repeat(101)}${']'.repeat(101)}`), true);
  assert.equal(deep(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`), false);
  assert.equal(deep(`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`), true);
  assert.equal(deep(`${'{"a":['.repeat(51)}`), true);
});

test('what stands side by side, or in a text, is not deep', () => {
  assert.equal(deep(`[${'[],{},'.repeat(1000)}0]`), false);
  assert.equal(deep(JSON.stringify({ name: `"\\"${'['.repeat(1000)}` })), false);
  assert.equal(deep(`["\\\\"${',['.repeat(101)}`), true);
});

test('a NUL is nothing for a text, but what only looks like one is', () => {
  assert.equal(isUnfit(Buffer.from(JSON.stringify({ name: 'a\0b' }))), true);
  assert.equal(isUnfit(Buffer.from(JSON.stringify({ '\0': 1 }))), true);
  assert.equal(isUnfit(Buffer.from(JSON.stringify({ name: '\\u0000 u0000 \u0001' }))), false);
});
