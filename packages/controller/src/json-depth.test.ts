import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTooDeep } from './json-depth.ts';

const deep = (text: string): boolean => isTooDeep(Buffer.from(text));

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
