import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOlderLinux } from './requirements.ts';

test('a kernel that hides from rules on the way out where a packet came in is too old', () => {
  assert.ok(isOlderLinux('4.18.0-553.el8.x86_64'));
  assert.ok(isOlderLinux('5.4.0-200-generic'));
  assert.ok(!isOlderLinux('5.5.0'));
  assert.ok(!isOlderLinux('5.10.0-33-amd64'));
  assert.ok(!isOlderLinux('6.1-rc1'));
});
