import { FEED_KINDS, type FeedKind, type FeedLine, HEARTBEAT_SECONDS } from '@portward/model/feed.ts';
import { serverFeedObjects } from '../compute/servers.ts';
import { loadNetworkingFeed } from '../networking/feed-objects.ts';
import { compiledQuery } from '../store/compiled-query.ts';
import type { FeedLoader, Reader, Store, StoredChange } from '../store/store.ts';
import { otherRequestsTurn } from '../turn.ts';

/** Changes kept for followers that come back; one that was away for longer gets a snapshot. */
const KEPT_CHANGES = 100_000;
/** Objects or changes loaded at once: some milliseconds of work, so that other requests get their turn between. */
const CHUNK = 500;
const COMPACTION_MS = 60_000;

const TABLES: Record<FeedKind, string> = {
  network: 'networks',
  subnet: 'subnets',
  address_group: 'address_groups',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
  router: 'routers',
  port: 'ports',
  floatingip: 'floatingips',
  port_forwarding: 'port_forwardings',
  server: 'servers',
};

/** Loads objects in the form in which the feed carries them. */
export const loadFeedObjects: FeedLoader = async (db, kind, ids) =>
  kind === 'server'
    ? ((await serverFeedObjects(db, ids)) as unknown as Map<string, Record<string, unknown>>)
    : loadNetworkingFeed(db, kind, ids);

const changesAfter = compiledQuery((db, { after }: { after: number }) =>
  db.selectFrom('changes').selectAll().where('seq', '>', after).orderBy('seq').limit(CHUNK),
);

/** What commits have told of themselves since the last look, so that it need not be read from the store. */
class News {
  /** undefined: not all is at hand. */
  #changes: StoredChange[] | undefined;

  take(changes: readonly StoredChange[] | undefined): void {
    const more = changes === undefined || this.#changes === undefined ? undefined : [...this.#changes, ...changes];
    this.#changes = more !== undefined && more.length <= CHUNK ? more : undefined;
  }

  /** Takes out the changes after a place; undefined when the store has to be asked. */
  after(seq: number): readonly StoredChange[] | undefined {
    const changes = this.#changes?.filter((change) => change.seq > seq);
    this.#changes = [];
    if (changes === undefined) return undefined;
    // Another controller's may be among them, of which word has not come yet.
    const isWhole = (changes.at(-1)?.seq ?? seq) === seq + changes.length;
    return isWhole ? changes : undefined;
  }
}

/** The ordered stream of changes that data planes follow. */
export class Feed {
  readonly #store: Store;
  readonly #timer: NodeJS.Timeout;

  constructor(store: Store) {
    this.#store = store;
    this.#timer = setInterval(() => void this.compact().catch(() => {}), COMPACTION_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Lines of NDJSON, several at a time, until the signal aborts. Without `after`, or when changes since then are no
   * longer kept, a snapshot comes first.
   */
  async *lines(after: number | undefined, signal: AbortSignal): AsyncGenerator<string> {
    let wake = Promise.withResolvers<void>();
    const awaken = () => wake.resolve();
    const news = new News();
    const unsubscribe = this.#store.onCommit(({ changes }) => {
      news.take(changes);
      awaken();
    });
    signal.addEventListener('abort', awaken);
    const heartbeat = setInterval(() => {
      news.take(undefined);
      awaken();
    }, HEARTBEAT_SECONDS * 1000);
    try {
      const resumes = after !== undefined && (await this.#canResume(after));
      const start = resumes ? { seq: after, chunks: [] } : await this.#snapshot();
      yield* start.chunks;
      let seq: number = start.seq;
      yield line({ op: 'synced', seq });
      let quietSince = Date.now();
      while (!signal.aborted) {
        wake = Promise.withResolvers<void>();
        // What is at hand is not awaited: nothing that has less haste shall come before it.
        const changes = news.after(seq) ?? (await this.#changesAfter(seq, news));
        const [first] = changes;
        // Numbers are given without gaps, and taken away from the oldest on.
        if (first !== undefined && first.seq > seq + 1) {
          // It was so slow that changes it has not had are forgotten.
          const snapshot = await this.#snapshot();
          yield* snapshot.chunks;
          seq = snapshot.seq;
          yield line({ op: 'synced', seq });
          continue;
        }
        seq = changes.at(-1)?.seq ?? seq;
        const text = textOf(changes);
        if (text !== '') {
          quietSince = Date.now();
          yield text;
          continue;
        }
        if (Date.now() - quietSince >= HEARTBEAT_SECONDS * 1000) {
          quietSince = Date.now();
          yield line({ op: 'heartbeat', seq });
        }
        await wake.promise;
      }
    } finally {
      clearInterval(heartbeat);
      unsubscribe();
      signal.removeEventListener('abort', awaken);
    }
  }

  /** Forgets changes that are older than the last `kept`. */
  async compact(kept: number = KEPT_CHANGES): Promise<void> {
    const last = await this.#store.read(lastSeq);
    await this.#store.write(async (tx) => {
      await tx.db
        .deleteFrom('changes')
        .where('seq', '<=', last - kept)
        .execute();
    });
  }

  async #canResume(after: number): Promise<boolean> {
    return this.#store.read(async (db) => {
      const last = await lastSeq(db);
      const oldest = await db.selectFrom('changes').select('seq').orderBy('seq').limit(1).executeTakeFirst();
      return after <= last && after >= (oldest?.seq ?? last + 1) - 1;
    });
  }

  async #snapshot(): Promise<{ seq: number; chunks: string[] }> {
    return this.#store.read(async (db) => {
      const seq = await lastSeq(db);
      const chunks = [line({ op: 'reset', seq })];
      for (const kind of FEED_KINDS) {
        let marker = '';
        for (;;) {
          const rows = await db
            .selectFrom(TABLES[kind] as 'networks')
            .select('id')
            .where('id', '>', marker)
            .orderBy('id')
            .limit(CHUNK)
            .execute();
          if (rows.length === 0) break;
          const ids = rows.map((row) => row.id);
          const objects = await loadFeedObjects(db, kind, ids);
          chunks.push(
            ids.map((id) => line({ seq, op: 'put', kind, object: objects.get(id) } as unknown as FeedLine)).join(''),
          );
          marker = ids.at(-1) as string;
          await otherRequestsTurn();
        }
      }
      return { seq, chunks };
    });
  }

  /** The next changes, read from the store. */
  async #changesAfter(after: number, news: News): Promise<readonly StoredChange[]> {
    const rows = await this.#store.read((db) => changesAfter(db, { after }));
    // There may be more than were read.
    if (rows.length > 0) news.take(undefined);
    return rows;
  }
}

/** Lines of those changes that are a data plane's business. */
const textOf = (changes: readonly StoredChange[]): string =>
  changes
    .filter(({ kind }) => kind !== 'identity')
    .map(({ seq, kind, id, object }) =>
      line(
        (object === null ? { seq, op: 'delete', kind, id } : { seq, op: 'put', kind, object }) as unknown as FeedLine,
      ),
    )
    .join('');

const line = (value: FeedLine): string => `${JSON.stringify(value)}\n`;

async function lastSeq(db: Reader): Promise<number> {
  const row = await db
    .selectFrom('changes')
    .select((expression) => expression.fn.max('seq').as('seq'))
    .executeTakeFirst();
  return Number(row?.seq ?? 0);
}
