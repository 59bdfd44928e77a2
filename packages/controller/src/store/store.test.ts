import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Resource } from '@portward/model/resource.ts';
import { columnOf } from '@portward/model/resource.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import { SqliteStore } from './sqlite-store.ts';

/** A file for a store, gone with the test. */
function storeFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portward-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'store.db');
}

const open = (path: string) =>
  SqliteStore.open(path, async (_db, _kind, ids) => new Map(ids.map((id) => [id, { id }])));
const set = (store: SqliteStore, name: string, fail = false) =>
  store.write(async (tx) => {
    await tx.db.insertInto('settings').values({ name, value: '' }).execute();
    tx.changed('network', name);
    if (fail) throw new Error('refused');
  });
const names = (store: SqliteStore) =>
  store.read(async (db) =>
    (await db.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name),
  );

test('of writes that share a commit, one that fails undoes only itself', async (t) => {
  const store = await open(storeFile(t));
  const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => set(store, name, name === 'b')));
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(await names(store), ['a', 'c', 'd']);
  const changes = await store.read((db) => db.selectFrom('changes').select('id').orderBy('seq').execute());
  assert.deepEqual(
    changes.map((row) => row.id),
    ['a', 'c', 'd'],
    'the outbox has what was committed, in order',
  );
  await store.close();
});

test('a write that is queued as the writer falls idle is not forgotten', async (t) => {
  const store = await open(storeFile(t));
  for (let i = 0; i < 50; i++) {
    await set(store, `first-${i}`);
    const microtasks = i % 7;
    const later = (async () => {
      for (let k = 0; k < microtasks; k++) await Promise.resolve();
      return set(store, `second-${i}`);
    })();
    await later;
  }
  assert.equal((await names(store)).length, 100);
  await store.close();
});

test('readers see one moment while writes go on, and more readers than connections get their turn', async (t) => {
  const store = await open(storeFile(t));
  await set(store, 'a');
  const seen = await store.read(async (db) => {
    const before = await db.selectFrom('settings').selectAll().execute();
    await set(store, 'b');
    const after = await db.selectFrom('settings').selectAll().execute();
    return [before.length, after.length];
  });
  assert.deepEqual(seen, [1, 1]);
  const counts = await Promise.all(Array.from({ length: 50 }, async () => (await names(store)).length));
  assert.deepEqual(new Set(counts), new Set([2]));
  await store.close();
});

test('what was answered is there after kill -9', async (t) => {
  const path = storeFile(t);
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
  const store = await open(path);
  const kept = new Set((await names(store)).map(Number));
  for (const i of answered) assert.ok(kept.has(i), `write ${i} was answered and is lost`);
  await store.close();
});

test('the migrations make the columns that the definitions name', async (t) => {
  const path = storeFile(t);
  await (await open(path)).close();
  const database = new DatabaseSync(path, { readOnly: true });
  for (const definition of NETWORKING_RESOURCES as readonly Resource[]) {
    const columns = database
      .prepare(`select name from pragma_table_info(?) order by name`)
      .all(definition.table)
      .map((row) => row.name);
    const wanted = Object.entries(definition.attributes)
      .filter(([, attribute]) => attribute.storage !== 'computed')
      .map(([name]) => columnOf(name))
      .sort();
    assert.deepEqual(columns, wanted, definition.table);
  }
  database.close();
});
