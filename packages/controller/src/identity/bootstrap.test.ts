import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { CHEAP } from './cloud-fixture.ts';
import { Identity } from './identity.ts';

const opened: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of opened) await close();
});

const newStore = async (): Promise<Store> => {
  const { store, close } = await openTestStore();
  opened.push(close);
  return store;
};
const open = (store: Store) => Identity.open(store, { tokenLife: 3600, hashCost: CHEAP });
const countOf = async (store: Store, table: 'users' | 'projects' | 'roles' | 'domains') =>
  (await store.read((db) => db.selectFrom(table).select('id').execute())).length;

test('the first start makes the administrator, later ones change nothing', async () => {
  const store = await newStore();
  const identity = await open(store);
  assert.deepEqual(await identity.bootstrap({ adminPassword: 'secret' }), { admin: { password: 'secret' } });
  assert.deepEqual(await identity.bootstrap({ adminPassword: 'other' }), {});
  assert.deepEqual(await (await open(store)).bootstrap(), {});
  assert.equal(await countOf(store, 'users'), 1);
  assert.equal(await countOf(store, 'roles'), 3);
});

test('without a password a random one is made', async () => {
  const store = await newStore();
  const { admin } = await (await open(store)).bootstrap();
  assert.match(admin?.password ?? '', /^[\w-]{24}$/);
});

test('demo can be asked for at once or later, and is made once', async () => {
  const store = await newStore();
  const identity = await open(store);
  const first = await identity.bootstrap({ demo: true });
  assert.ok(first.admin && first.demo);
  assert.deepEqual(await identity.bootstrap({ demo: true }), {});
  assert.equal(await countOf(store, 'users'), 2);

  const later = await newStore();
  const other = await open(later);
  await other.bootstrap();
  assert.deepEqual(Object.keys(await other.bootstrap({ demo: true })), ['demo']);
  assert.equal(await countOf(later, 'projects'), 2);
});

test('of several that start at once, one makes everything', async () => {
  const store = await newStore();
  const identities = await Promise.all([open(store), open(store), open(store)]);
  const made = await Promise.all(identities.map((identity) => identity.bootstrap({ demo: true })));
  assert.equal(made.filter((one) => one.admin !== undefined).length, 1);
  assert.equal(made.filter((one) => one.demo !== undefined).length, 1);
  assert.equal(await countOf(store, 'users'), 2);
  assert.equal(await countOf(store, 'domains'), 1);
  const keys = await store.read((db) => db.selectFrom('signing_keys').select('id').execute());
  assert.equal(keys.length, 1);
});

test('passwords are handed over before they count, and a failure to keep them undoes everything', async () => {
  const store = await newStore();
  const identity = await open(store);
  const keep = () => {
    throw new Error('disk full');
  };
  await assert.rejects(identity.bootstrap({ keep }), /disk full/);
  assert.equal(await countOf(store, 'users'), 0);
  let kept: unknown;
  const made = await identity.bootstrap({ keep: (all) => (kept = all) });
  assert.deepEqual(kept, made);
  assert.ok(made.admin);
});
