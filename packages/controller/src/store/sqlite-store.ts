import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { compiledQuery } from './compiled-query.ts';
import { GroupCommit, type WriterConnection } from './group-commit.ts';
import { migrate } from './migrate.ts';
import type { Database } from './schema.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import type { CommitEvent, FeedLoader, Reader, Store, Transaction } from './store.ts';

/** Read connections kept open at most; further readers wait their turn. */
const MOST_READERS = 8;

/**
 * The embedded store: SQLite in WAL mode with synchronous=FULL. One connection writes; requests that come while it is
 * busy share the next commit (group commit), each in a savepoint of its own. Readers have connections of their own.
 */
export class SqliteStore implements Store {
  readonly #path: string;
  readonly #writer: SqliteWriter;
  readonly #commits: GroupCommit;
  readonly #events = new EventEmitter<{ commit: [CommitEvent] }>();
  readonly #idleReaders: { database: DatabaseSync; db: Kysely<Database> }[] = [];
  readonly #waitingReaders: (() => void)[] = [];
  #readers = 0;

  /** Opens the store, creating or migrating it. `path` is a file; its folder is made when missing. */
  static async open(path: string, loadFeedObjects: FeedLoader): Promise<SqliteStore> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      const store = new SqliteStore(path, loadFeedObjects);
      await store.#writer.migrate();
      return store;
    } catch (error) {
      throw new Error(`The store ${path} cannot be used: ${(error as Error).message}`);
    }
  }

  private constructor(path: string, loadFeedObjects: FeedLoader) {
    this.#path = path;
    this.#writer = new SqliteWriter(openDatabase(path));
    this.#commits = new GroupCommit(this.#writer, loadFeedObjects, (committed) =>
      this.#events.emit('commit', committed),
    );
    this.#events.setMaxListeners(0);
  }

  async read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    const reader = await this.#acquireReader();
    reader.database.exec('begin');
    try {
      return await work(reader.db);
    } finally {
      reader.database.exec('rollback');
      const next = this.#waitingReaders.shift();
      this.#idleReaders.push(reader);
      next?.();
    }
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#commits.write(work);
  }

  onCommit(listener: (event: CommitEvent) => void): () => void {
    this.#events.on('commit', listener);
    return () => this.#events.off('commit', listener);
  }

  async close(): Promise<void> {
    await this.#commits.finish();
    for (const { database } of this.#idleReaders) database.close();
    this.#writer.close();
  }

  async #acquireReader(): Promise<{ database: DatabaseSync; db: Kysely<Database> }> {
    for (;;) {
      const idle = this.#idleReaders.pop();
      if (idle !== undefined) return idle;
      if (this.#readers < MOST_READERS) {
        // Counted once it is there: one that cannot be opened must not take a place for ever.
        const database = openDatabase(this.#path, true);
        this.#readers++;
        return { database, db: new Kysely<Database>({ dialect: new SqliteDialect(database) }) };
      }
      await new Promise<void>((resolve) => this.#waitingReaders.push(resolve));
    }
  }
}

/** The number that the last change got, even if that change is forgotten (sqlite.org/autoinc.html). */
const lastNumber = compiledQuery((db) =>
  db
    .selectFrom(sql<{ name: string; seq: number }>`sqlite_sequence`.as('numbers'))
    .select('seq')
    .where('name', '=', 'changes'),
);

/** The connection that writes. */
class SqliteWriter implements WriterConnection {
  readonly db: Kysely<Database>;
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('begin immediate');
    this.#commit = database.prepare('commit');
    this.db = new Kysely<Database>({ dialect: new SqliteDialect(database) });
  }

  /** What a statement answers changes with the schema, so those of the migrations are not kept. */
  async migrate(): Promise<void> {
    await migrate(new Kysely<Database>({ dialect: new SqliteDialect(this.#database) }));
  }

  async begin(): Promise<number> {
    this.#begin.run();
    const [last] = await lastNumber(this.db, {});
    return last?.seq ?? 0;
  }

  async openSavepoint(): Promise<void> {
    this.#database.exec('savepoint request');
  }

  async releaseSavepoint(): Promise<void> {
    this.#database.exec('release request');
  }

  async undoToSavepoint(): Promise<boolean> {
    if (!this.#database.isTransaction) return false;
    try {
      this.#database.exec('rollback to request; release request');
      return true;
    } catch {
      return false;
    }
  }

  async commit(): Promise<void> {
    this.#commit.run();
  }

  async rollback(): Promise<void> {
    await this.abandon();
  }

  async abandon(): Promise<void> {
    if (this.#database.isTransaction) this.#database.exec('rollback');
  }

  explain(error: unknown): unknown {
    return error;
  }

  close(): void {
    this.#database.close();
  }
}

function openDatabase(path: string, readOnly = false): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 });
  if (readOnly) database.exec('pragma query_only = on');
  else database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000');
  database.exec('pragma foreign_keys = on; pragma cache_size = -65536; pragma temp_store = memory');
  return database;
}
