import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from './sqlite-store.ts';
import type { FeedLoader, Store } from './store.ts';

/** A store of a test's own. */
export interface TestStore {
  readonly store: Store;
  /** Closes the store and removes it. */
  close(): Promise<void>;
}

const noObjects: FeedLoader = async () => new Map();

/** Opens an empty store for a test. */
export async function openTestStore(load: FeedLoader = noObjects): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'portward-store-'));
  const store = await SqliteStore.open(join(folder, 'store.db'), load);
  return {
    store,
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
