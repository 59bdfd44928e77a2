import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withApiCloud } from './api-cloud.ts';

/** Debian's own Python, whose openstacksdk is the one that users have. */
const PYTHON = '/usr/bin/python3';
const PASS = fileURLToPath(new URL('sdk/pass.py', import.meta.url));

test('openstacksdk: a pass over every resource', async (context) => {
  await withApiCloud(async (cloud) => {
    await cloud.reportHost('host1');
    const child = spawn(PYTHON, ['-B', PASS], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...cloud.environment('portward-admin'), HOME: cloud.directory },
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    let steps = 0;
    for await (const line of createInterface(child.stdout)) {
      const { step, error } = JSON.parse(line) as { step: string; error: string | null };
      steps += 1;
      await context.test(step, () => assert.equal(error, null, error ?? ''));
    }
    assert.equal(await ended, 0);
    assert.ok(steps > 100, `only ${steps} steps were taken`);
  });
});
