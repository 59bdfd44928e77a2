import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Part } from './child-process.ts';

function logFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portward-part-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'part.log');
}

test('a part that is killed is started again; one that is stopped is not', async (t) => {
  let starts = 0;
  const again = Promise.withResolvers<void>();
  const part = new Part({
    name: 'part',
    logPath: logFile(t),
    start: (log) => {
      starts++;
      const program = `process.send({ ready: ${starts} }); setInterval(() => {}, 1000); process.on('disconnect', () => process.exit())`;
      const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', log, log, 'ipc'] });
      if (starts === 2) void once(child, 'message').then(() => again.resolve());
      return child;
    },
  });
  assert.deepEqual(await part.start(), { ready: 1 });
  process.kill(part.pid as number, 'SIGKILL');
  await again.promise;
  await part.stop();
  assert.equal(starts, 2);
});

test('a part that ends before it works is not started again, and its last words are told', async (t) => {
  let starts = 0;
  const part = new Part({
    name: 'part',
    logPath: logFile(t),
    start: (log) => {
      starts++;
      return spawn(process.execPath, ['-e', 'console.error("no such thing"); process.exit(3)'], {
        stdio: ['ignore', log, log, 'ipc'],
      });
    },
  });
  await assert.rejects(part.start(), /The part did not start \(exit code 3\)[\s\S]*no such thing/);
  assert.equal(starts, 1);
});
