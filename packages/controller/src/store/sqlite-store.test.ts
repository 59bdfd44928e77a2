import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SqliteStore } from './sqlite-store.ts';

test('what was answered is there after kill -9', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portward-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const program = `
    import { SqliteStore } from ${JSON.stringify(new URL('sqlite-store.ts', import.meta.url).href)};
    const store = await SqliteStore.open(${JSON.stringify(path)}, async () => new Map());
    for (let i = 0; ; i++) {
      await store.write((tx) => tx.db.insertInto('settings').values({ name: String(i), value: '' }).execute());
      process.stdout.write(i + '\\n');
    }`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.split('\n').length > 50) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const answered = output.split('\n').slice(0, -1).map(Number);
  assert.ok(answered.length >= 50);
  const store = await SqliteStore.open(path, async () => new Map());
  const rows = await store.read((db) => db.selectFrom('settings').select('name').execute());
  const kept = new Set(rows.map((row) => Number(row.name)));
  for (const i of answered) assert.ok(kept.has(i), `write ${i} was answered and is lost`);
  await store.close();
});
