import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { migrate } from './migrate.ts';
import { OpenTransaction } from './open-transaction.ts';
import type { Database } from './schema.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import type { FeedLoader, Reader, Store, Transaction } from './store.ts';

interface Job {
  work: (tx: Transaction) => Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** Requests that share one durable commit at most; bounds how long the first of them waits. */
const LARGEST_BATCH = 128;
/** Read connections kept open at most; further readers wait their turn. */
const MOST_READERS = 8;

/**
 * The embedded store: SQLite in WAL mode with synchronous=FULL. One connection writes; requests that come while it is
 * busy share the next commit (group commit), each in a savepoint of its own. Readers have connections of their own.
 */
export class SqliteStore implements Store {
  readonly #path: string;
  readonly #writer: DatabaseSync;
  readonly #db: Kysely<Database>;
  readonly #loadFeedObjects: FeedLoader;
  readonly #events = new EventEmitter();
  readonly #queue: Job[] = [];
  readonly #idleReaders: { database: DatabaseSync; db: Kysely<Database> }[] = [];
  readonly #waitingReaders: (() => void)[] = [];
  #readers = 0;
  #writing = false;

  /** Opens the store, creating or migrating it. `path` is a file; its folder is made when missing. */
  static async open(path: string, loadFeedObjects: FeedLoader): Promise<SqliteStore> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      const store = new SqliteStore(path, loadFeedObjects);
      await migrate(store.#db);
      return store;
    } catch (error) {
      throw new Error(`The store ${path} cannot be used: ${(error as Error).message}`);
    }
  }

  private constructor(path: string, loadFeedObjects: FeedLoader) {
    this.#path = path;
    this.#loadFeedObjects = loadFeedObjects;
    this.#writer = openDatabase(path);
    this.#db = new Kysely<Database>({ dialect: new SqliteDialect(this.#writer) });
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
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      if (!this.#writing) {
        this.#writing = true;
        void this.#drain();
      }
    });
  }

  onCommit(listener: () => void): () => void {
    this.#events.on('commit', listener);
    return () => this.#events.off('commit', listener);
  }

  async close(): Promise<void> {
    while (this.#writing) await new Promise<void>((resolve) => this.#events.once('idle', resolve));
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

  /** Takes one request's part back; where that fails, the whole batch. */
  #undoRequest(): void {
    try {
      if (this.#writer.isTransaction) this.#writer.exec('rollback to request; release request');
    } catch {
      if (this.#writer.isTransaction) this.#writer.exec('rollback');
    }
  }

  async #drain(): Promise<void> {
    // Let requests that arrived together share the first commit.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#commitBatch();
    this.#writing = false;
    this.#events.emit('idle');
  }

  async #commitBatch(): Promise<void> {
    const done: { job: Job; value: unknown }[] = [];
    let changes = 0;
    try {
      this.#writer.exec('begin immediate');
    } catch (error) {
      for (const job of this.#queue.splice(0)) job.reject(error);
      return;
    }
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      try {
        this.#writer.exec('savepoint request');
        const tx = new OpenTransaction(this.#db);
        const value = await job.work(tx);
        changes += await tx.appendChanges(this.#loadFeedObjects);
        this.#writer.exec('release request');
        done.push({ job, value });
      } catch (error) {
        // A full disk may already have undone the whole transaction.
        this.#undoRequest();
        job.reject(error);
        if (!this.#writer.isTransaction) {
          for (const { job: lost } of done) lost.reject(error);
          return;
        }
      }
      if (done.length >= LARGEST_BATCH) break;
    }
    try {
      this.#writer.exec('commit');
    } catch (error) {
      if (this.#writer.isTransaction) this.#writer.exec('rollback');
      for (const { job } of done) job.reject(error);
      return;
    }
    for (const { job, value } of done) job.resolve(value as never);
    if (changes > 0) this.#events.emit('commit');
  }
}

function openDatabase(path: string, readOnly = false): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 });
  if (readOnly) database.exec('pragma query_only = on');
  else database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000');
  database.exec('pragma foreign_keys = on; pragma cache_size = -65536; pragma temp_store = memory');
  return database;
}
