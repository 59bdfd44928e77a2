import type { FeedKind } from '@portward/model/feed.ts';
import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';
import { type FeedLoader, type Transaction, utcSeconds } from './store.ts';

/** Rows of one insert: SQLite takes 32,766 parameters a statement. */
const LARGEST_INSERT = 5000;

/** One request's part of a transaction, whichever the database. */
export class OpenTransaction implements Transaction {
  readonly db: Kysely<Database>;
  readonly now = utcSeconds();
  /** Kind and id of what changed, in order of the last mention; true: deleted. */
  readonly #touched = new Map<string, { kind: FeedKind; id: string; deleted: boolean }>();

  constructor(db: Kysely<Database>) {
    this.db = db;
  }

  changed(kind: FeedKind, id: string): void {
    this.#touch(kind, id, false);
  }

  deleted(kind: FeedKind, id: string): void {
    this.#touch(kind, id, true);
  }

  #touch(kind: FeedKind, id: string, deleted: boolean): void {
    const key = `${kind} ${id}`;
    this.#touched.delete(key);
    this.#touched.set(key, { kind, id, deleted });
  }

  /** Writes what was touched to the outbox; answers how many rows it took. */
  async appendChanges(load: FeedLoader): Promise<number> {
    if (this.#touched.size === 0) return 0;
    const touched = [...this.#touched.values()];
    const objects = new Map<string, Record<string, unknown>>();
    for (const kind of new Set(touched.map((entry) => entry.kind))) {
      const ids = touched.filter((entry) => entry.kind === kind && !entry.deleted).map((entry) => entry.id);
      if (ids.length === 0) continue;
      for (const [id, object] of await load(this.db, kind, ids)) objects.set(`${kind} ${id}`, object);
    }
    const rows = touched.map(({ kind, id }) => ({ kind, id, object: objects.get(`${kind} ${id}`) ?? null }));
    for (let start = 0; start < rows.length; start += LARGEST_INSERT) {
      await this.db
        .insertInto('changes')
        .values(rows.slice(start, start + LARGEST_INSERT))
        .execute();
    }
    return rows.length;
  }
}
