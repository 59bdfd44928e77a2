import type { FeedKind } from '@portward/model/feed.ts';
import type { Kysely } from 'kysely';
import { compiledQuery } from './compiled-query.ts';
import type { Database } from './schema.ts';
import { type FeedLoader, type StoredChange, type Transaction, utcSeconds } from './store.ts';

/** Rows of one insert: SQLite takes 32,766 parameters a statement, PostgreSQL 65,535. */
const LARGEST_INSERT = 5000;

/** What a single change takes, which is the commonest. */
const appendOne = compiledQuery((db, { seq, kind, id, object }: StoredChange & Record<string, unknown>) =>
  db.insertInto('changes').values({ seq, kind, id, object }),
);

/** One request's part of a transaction, whichever the database. */
export class OpenTransaction implements Transaction {
  readonly db: Kysely<Database>;
  readonly now = utcSeconds();
  /** Kind and id of what changed, in order of the last mention; true: deleted. */
  readonly #touched = new Map<string, { kind: FeedKind; id: string; deleted: boolean }>();
  readonly #told: { kind: 'identity'; id: string; object: Record<string, unknown> }[] = [];

  constructor(db: Kysely<Database>) {
    this.db = db;
  }

  changed(kind: FeedKind, id: string): void {
    this.#touch(kind, id, false);
  }

  deleted(kind: FeedKind, id: string): void {
    this.#touch(kind, id, true);
  }

  tellIdentity(patch: Record<string, unknown>): void {
    this.#told.push({ kind: 'identity', id: '', object: patch });
  }

  #touch(kind: FeedKind, id: string, deleted: boolean): void {
    const key = `${kind} ${id}`;
    this.#touched.delete(key);
    this.#touched.set(key, { kind, id, deleted });
  }

  /**
   * Writes what was touched to the outbox. `position` is the number of the last change so far. Answers what was added.
   */
  async appendChanges(load: FeedLoader, position: number): Promise<StoredChange[]> {
    const touched = [...this.#touched.values()];
    const objects = new Map<string, Record<string, unknown>>();
    for (const kind of new Set(touched.map((entry) => entry.kind))) {
      const ids = touched.filter((entry) => entry.kind === kind && !entry.deleted).map((entry) => entry.id);
      if (ids.length === 0) continue;
      for (const [id, object] of await load(this.db, kind, ids)) objects.set(`${kind} ${id}`, object);
    }
    const rows = [
      ...touched.map(({ kind, id }) => ({ kind, id, object: objects.get(`${kind} ${id}`) ?? null })),
      ...this.#told,
    ].map((row, index) => ({ ...row, seq: position + index + 1 }));
    const [first] = rows;
    if (rows.length === 1 && first !== undefined) {
      await appendOne(this.db, first);
      return rows;
    }
    for (let start = 0; start < rows.length; start += LARGEST_INSERT) {
      await this.db
        .insertInto('changes')
        .values(rows.slice(start, start + LARGEST_INSERT))
        .execute();
    }
    return rows;
  }
}
