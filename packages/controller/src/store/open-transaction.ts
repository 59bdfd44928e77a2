import type { FeedKind } from '@portward/model/feed.ts';
import type { Kysely } from 'kysely';
import { compiledQuery } from './compiled-query.ts';
import type { Database } from './schema.ts';
import { type FeedLoader, type Transaction, utcSeconds } from './store.ts';

/** What changes are about: objects that data planes follow, or what decides whether tokens stand. */
export type ChangeKind = FeedKind | 'identity';

/** Rows of one insert: SQLite takes 32,766 parameters a statement, PostgreSQL 65,535. */
const LARGEST_INSERT = 5000;

/** What a single change takes, which is the commonest. */
const appendOne = compiledQuery((db, { kind, id, object }: Omit<Database['changes'], 'seq'>) =>
  db.insertInto('changes').values({ kind, id, object }),
);
const appendNumbered = compiledQuery(
  (db, { seq, kind, id, object }: Omit<Database['changes'], 'seq'> & { seq: number }) =>
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
   * Writes what was touched to the outbox. `position` is the number of the last change so far, or undefined where the
   * database numbers them. Answers what was added.
   */
  async appendChanges(
    load: FeedLoader,
    position: number | undefined,
  ): Promise<{ count: number; kinds: ReadonlySet<ChangeKind> }> {
    const touched = [...this.#touched.values()];
    const kinds = new Set<ChangeKind>(touched.map((entry) => entry.kind));
    const objects = new Map<string, Record<string, unknown>>();
    for (const kind of kinds as Set<FeedKind>) {
      const ids = touched.filter((entry) => entry.kind === kind && !entry.deleted).map((entry) => entry.id);
      if (ids.length === 0) continue;
      for (const [id, object] of await load(this.db, kind, ids)) objects.set(`${kind} ${id}`, object);
    }
    if (this.#told.length > 0) kinds.add('identity');
    const rows = [
      ...touched.map(({ kind, id }) => ({ kind, id, object: objects.get(`${kind} ${id}`) ?? null })),
      ...this.#told,
    ].map((row, index) => (position === undefined ? row : { ...row, seq: position + index + 1 }));
    const [first] = rows;
    if (rows.length === 1 && first !== undefined) {
      await ('seq' in first ? appendNumbered(this.db, first) : appendOne(this.db, first));
      return { count: 1, kinds };
    }
    for (let start = 0; start < rows.length; start += LARGEST_INSERT) {
      await this.db
        .insertInto('changes')
        .values(rows.slice(start, start + LARGEST_INSERT))
        .execute();
    }
    return { count: rows.length, kinds };
  }
}
