import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { PostgresqlStore } from './postgresql-store.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { FeedLoader, Store } from './store.ts';

/** A store of a test's own. */
export interface TestStore {
  readonly store: Store;
  /** Opens the same store once more, as another controller would; only PostgreSQL takes several. */
  again(): Promise<Store>;
  /** Closes what was opened and removes it. */
  close(): Promise<void>;
}

const noObjects: FeedLoader = async () => new Map();

/**
 * Address of the PostgreSQL server that the run of tests has, for stores in databases of their own; undefined in a run
 * on the embedded store. `scripts/test` runs the controller's tests once with each.
 */
const server = (): string | undefined => process.env.PORTWARD_TEST_POSTGRESQL;

/** Opens an empty store for a test, of the kind that the run is about. */
export async function openTestStore(load: FeedLoader = noObjects): Promise<TestStore> {
  const address = server();
  return address === undefined ? openSqlite(load) : openPostgresql(address, load);
}

async function openSqlite(load: FeedLoader): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'portward-store-'));
  const store = await SqliteStore.open(join(folder, 'store.db'), load);
  return {
    store,
    async again() {
      throw new Error('One controller has an embedded store for itself.');
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A database of one's own on a server; `drop` removes it, whoever is still connected. */
export async function newDatabase(address: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await administer(`create database ${name} template template0`);
  return {
    url: address.replace('/postgres?', `/${name}?`),
    drop: () => administer(`drop database ${name} with (force)`),
  };
}

async function openPostgresql(address: string, load: FeedLoader): Promise<TestStore> {
  const { url, drop } = await newDatabase(address);
  const opened = [await PostgresqlStore.open(url, load)];
  return {
    store: opened[0] as Store,
    async again() {
      const store = await PostgresqlStore.open(url, load);
      opened.push(store);
      return store;
    },
    async close() {
      for (const store of opened) await store.close();
      await drop();
    },
  };
}
