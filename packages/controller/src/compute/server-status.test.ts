import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialStatus, reportedStatus, startedStatus, statesOf } from './server-status.ts';

test('a server that nobody of ours runs is ACTIVE at once, others wait for word of it', () => {
  assert.equal(initialStatus(''), 'ACTIVE');
  assert.equal(initialStatus('host'), 'BUILD');
  assert.equal(startedStatus('', 'SHUTOFF'), 'ACTIVE');
  assert.equal(startedStatus('host', 'SHUTOFF'), 'SHUTOFF');
});

test('word of an agent counts when it is about what is wanted now', () => {
  assert.equal(reportedStatus('ACTIVE', true), 'ACTIVE');
  assert.equal(reportedStatus('ACTIVE', false), undefined);
  assert.equal(reportedStatus('DOWN', true), undefined);
  assert.equal(reportedStatus('DOWN', false), 'SHUTOFF');
  assert.equal(reportedStatus('ERROR', true), 'ERROR');
});

test('states follow from the status', () => {
  assert.deepEqual(statesOf({ status: 'ACTIVE', running: true }), { vm: 'active', power: 1, task: null });
  assert.deepEqual(statesOf({ status: 'BUILD', running: true }), { vm: 'building', power: 0, task: 'spawning' });
  assert.deepEqual(statesOf({ status: 'SHUTOFF', running: false }), { vm: 'stopped', power: 4, task: null });
  assert.deepEqual(statesOf({ status: 'SHUTOFF', running: true }).task, 'powering-on');
  assert.deepEqual(statesOf({ status: 'ERROR', running: true }).vm, 'error');
});
