import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { columnOf, type Resource } from '@portward/model/resource.ts';
import { NETWORKING_RESOURCES } from '@portward/model/resources.ts';
import type { Store } from './store.ts';
import { openTestStore } from './test-store.ts';

/** A store that is gone with the test. */
async function openStore(t: TestContext): Promise<Store> {
  const { store, close } = await openTestStore(async (_db, _kind, ids) => new Map(ids.map((id) => [id, { id }])));
  t.after(close);
  return store;
}

const set = (store: Store, name: string, fail = false) =>
  store.write(async (tx) => {
    await tx.db.insertInto('settings').values({ name, value: '' }).execute();
    tx.changed('network', name);
    if (fail) throw new Error('refused');
  });
const names = (store: Store) =>
  store.read(async (db) =>
    (await db.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name),
  );

test('of writes that share a commit, one that fails undoes only itself', async (t) => {
  const store = await openStore(t);
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
});

test('a write that is queued as the writer falls idle is not forgotten', async (t) => {
  const store = await openStore(t);
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
});

test('readers see one moment while writes go on, and more readers than connections get their turn', async (t) => {
  const store = await openStore(t);
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
});

test('the migrations make the columns that the definitions name', async (t) => {
  const { store, close } = await openTestStore();
  t.after(close);
  const tables = await store.read((db) => db.introspection.getTables());
  for (const definition of NETWORKING_RESOURCES as readonly Resource[]) {
    const columns = tables.find((table) => table.name === definition.table)?.columns.map((column) => column.name);
    const wanted = Object.entries(definition.attributes)
      .filter(([, attribute]) => attribute.storage !== 'computed')
      .map(([name]) => columnOf(name));
    assert.deepEqual(columns?.toSorted(), wanted.toSorted(), definition.table);
  }
});
