import { loadFeedObjects } from '@portward/controller/feed/feed.ts';
import { PostgresqlServer } from '@portward/controller/store/postgresql-server.ts';
import { openTestStore, type TestStore } from '@portward/controller/store/test-store.ts';

/** The stores that are measured, by name: each opens an empty one, as durable as in earnest, that goes when closed. */
export const STORES: Readonly<Record<string, () => Promise<Pick<TestStore, 'store' | 'close'>>>> = {
  sqlite: () => openTestStore(loadFeedObjects),
  async postgresql() {
    const server = await PostgresqlServer.start({ durable: true });
    process.env.PORTWARD_TEST_POSTGRESQL = server.url();
    const { store, close } = await openTestStore(loadFeedObjects);
    return {
      store,
      async close() {
        await close();
        await server.stop();
      },
    };
  },
};
