import { loadFeedObjects } from '@portward/controller/feed/feed.ts';
import { openTestStore, type TestStore } from '@portward/controller/store/test-store.ts';

/** The stores that are measured, by name: each opens an empty one, as durable as in earnest, that goes when closed. */
export const STORES: Readonly<Record<string, () => Promise<TestStore>>> = {
  sqlite: () => openTestStore(loadFeedObjects),
};
