import type { Kysely } from 'kysely';
import { otherRequestsTurn } from '../turn.ts';
import { OpenTransaction } from './open-transaction.ts';
import type { Database } from './schema.ts';
import type { CommitEvent, FeedLoader, StoredChange, Transaction } from './store.ts';

/** What a commit wrote to the feed. */
export interface Committed extends CommitEvent {
  readonly changes: readonly StoredChange[];
}

/** The one connection that writes, as far as group commit goes. Each request of a batch after the first is inside a savepoint. */
export interface WriterConnection {
  readonly db: Kysely<Database>;
  /**
   * Begins a transaction that no other writer is in. Answers the number of the last change. Throws what requests shall
   * be answered when it cannot.
   */
  begin(): Promise<number>;
  openSavepoint(): Promise<void>;
  releaseSavepoint(): Promise<void>;
  /** Takes back what was done since the savepoint; answers false when the whole transaction is gone. */
  undoToSavepoint(): Promise<boolean>;
  commit(committed: Committed): Promise<void>;
  /** Takes the whole transaction back. */
  rollback(): Promise<void>;
  /** Ends a transaction that could not be committed. */
  abandon(): Promise<void>;
  /** An error as requests shall see it. */
  explain(error: unknown): unknown;
}

interface Job {
  work: (tx: Transaction) => Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** Requests that share one durable commit at most; bounds how long the first of them waits. */
const LARGEST_BATCH = 128;

/**
 * Writes one request after another on one connection. Those that come while it is busy share the next durable commit;
 * one that fails undoes only itself. Answers go out after the commit.
 */
export class GroupCommit {
  readonly #connection: WriterConnection;
  readonly #load: FeedLoader;
  readonly #committed: (committed: Committed) => void;
  readonly #queue: Job[] = [];
  /** Requests that shared the last commit. */
  #lastBatch = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** `committed` is called after each commit that added changes to the feed. */
  constructor(connection: WriterConnection, load: FeedLoader, committed: (committed: Committed) => void) {
    this.#connection = connection;
    this.#load = load;
    this.#committed = committed;
  }

  /** Runs `work` in a transaction; resolves once it is durable. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      if (this.#idle !== undefined) return;
      this.#idle = Promise.withResolvers<void>();
      void this.#drain();
    });
  }

  /** Resolves when everything that was asked for has been answered. */
  async finish(): Promise<void> {
    while (this.#idle !== undefined) await this.#idle.promise;
  }

  async #drain(): Promise<void> {
    // Requests that have arrived together are all heard before the first begins.
    await otherRequestsTurn();
    while (this.#queue.length > 0) await this.#commitBatch();
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.resolve();
  }

  /** The next request of a batch that holds `done` already; undefined when it shall be committed. */
  async #nextJob(done: number): Promise<Job | undefined> {
    if (done >= LARGEST_BATCH) return undefined;
    // Where several write at once, a commit is worth a look for who has arrived while the batch was being worked on.
    if (this.#queue.length === 0 && done > 0 && (done > 1 || this.#lastBatch > 1)) await otherRequestsTurn();
    return this.#queue.shift();
  }

  async #commitBatch(): Promise<void> {
    const connection = this.#connection;
    const done: { job: Job; value: unknown }[] = [];
    const changes: StoredChange[] = [];
    const fail = (error: unknown, jobs: Iterable<Job>): void => {
      const explained = connection.explain(error);
      for (const job of jobs) job.reject(explained);
    };
    let position: number;
    try {
      position = await connection.begin();
    } catch (error) {
      fail(error, this.#queue.splice(0));
      return;
    }
    for (let job = await this.#nextJob(0); job !== undefined; job = await this.#nextJob(done.length)) {
      const isFirst = done.length === 0;
      try {
        if (!isFirst) await connection.openSavepoint();
        const tx = new OpenTransaction(connection.db);
        const value = await job.work(tx);
        const added = await tx.appendChanges(this.#load, position);
        if (!isFirst) await connection.releaseSavepoint();
        position += added.length;
        for (const change of added) changes.push(change);
        done.push({ job, value });
      } catch (error) {
        if (isFirst) {
          await connection.rollback();
          fail(error, [job]);
          return;
        }
        // A full disk or a lost connection may have undone the whole transaction.
        const whole = await connection.undoToSavepoint();
        fail(error, [job]);
        if (!whole) {
          fail(
            error,
            done.map((item) => item.job),
          );
          await connection.abandon();
          return;
        }
      }
    }
    this.#lastBatch = done.length;
    const committed = { changes, identity: changes.some(({ kind }) => kind === 'identity') };
    try {
      await connection.commit(committed);
    } catch (error) {
      await connection.abandon();
      fail(
        error,
        done.map((item) => item.job),
      );
      return;
    }
    // First those who follow the feed: a change is waited for longer than an answer, and they have work of their own.
    if (changes.length > 0) {
      this.#committed(committed);
      await otherRequestsTurn();
    }
    for (const { job, value } of done) job.resolve(value as never);
  }
}
