import { EventEmitter } from 'node:events';
import { ApiError, invalidInput } from '@portward/model/api-error.ts';
import { Kysely } from 'kysely';
import pg from 'pg';
import { type Committed, GroupCommit, type WriterConnection } from './group-commit.ts';
import { migrate } from './migrate.ts';
import { PostgresqlDialect } from './postgresql-dialect.ts';
import type { Database } from './schema.ts';
import type { CommitEvent, FeedLoader, Reader, Store, Transaction } from './store.ts';

/** Read connections kept open at most; further readers wait their turn. */
const MOST_READERS = 8;
/** What wakes the feeds of other controllers; its payload says whether the commit concerns tokens. */
const CHANNEL = 'portward_changes';
/** Pause before the connection that listens is made anew, milliseconds. */
const RECONNECT_MS = 500;

const CONNECT_MS = 5000;
/** The server ends a statement that takes longer; we give up on the connection a little later. */
const STATEMENT_MS = 30_000;
/** How long a controller waits for another one's transaction. */
const LOCK_MS = 10_000;
/** The server ends a transaction whose controller has stopped in the middle of it, so that others may write. */
const IDLE_TRANSACTION_MS = 15_000;

// Counts and sums are 64 bits wide in PostgreSQL; ours are far below 2^53.
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;

const optionsOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'portward',
  connectionTimeoutMillis: CONNECT_MS,
  statement_timeout: STATEMENT_MS,
  query_timeout: STATEMENT_MS + 5000,
  lock_timeout: LOCK_MS,
  idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
  keepAlive: true,
  types,
});

/** A connection that is made when it is needed, and anew when it was lost. */
class Connection {
  readonly #options: pg.ClientConfig;
  #open: { client: pg.Client; db: Kysely<Database> } | undefined;

  constructor(options: pg.ClientConfig) {
    this.#options = options;
  }

  async use(): Promise<{ client: pg.Client; db: Kysely<Database> }> {
    if (this.#open !== undefined) return this.#open;
    const client = new pg.Client(this.#options);
    // Without a listener a lost connection would end the process; whoever uses it next finds it gone.
    client.on('error', () => this.lose());
    client.on('end', () => this.lose());
    await client.connect();
    this.#open = { client, db: new Kysely<Database>({ dialect: new PostgresqlDialect(client) }) };
    return this.#open;
  }

  get present(): { client: pg.Client; db: Kysely<Database> } | undefined {
    return this.#open;
  }

  /** Gives the connection up; the next use makes another. */
  lose(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.client.end().catch(() => {});
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.client.end();
  }
}

/**
 * A store in PostgreSQL that several controllers share. One of them writes at a time: whoever holds the lock on the one
 * row of `feed_position`. So the sequence of changes is that of commits, without gaps, and a rule that checks and then
 * writes is never overtaken; unique constraints stand behind it. Requests that come while a controller waits for its
 * turn share its next commit, as in the embedded store. NOTIFY wakes the feeds of the others.
 */
export class PostgresqlStore implements Store {
  readonly #options: pg.ClientConfig;
  readonly #writer: PostgresqlWriter;
  readonly #commits: GroupCommit;
  readonly #listener: Connection;
  readonly #events = new EventEmitter<{ commit: [CommitEvent] }>();
  readonly #idleReaders: Connection[] = [];
  readonly #waitingReaders: (() => void)[] = [];
  #readers = 0;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  /** Opens the store, creating or migrating the tables. `url`: `postgres://user@host/database`, or with a socket folder. */
  static async open(url: string, loadFeedObjects: FeedLoader): Promise<PostgresqlStore> {
    const store = new PostgresqlStore(url, loadFeedObjects);
    try {
      await store.#writer.migrate();
      await store.#listen();
      return store;
    } catch (error) {
      await store.close();
      throw new Error(`The store ${withoutPassword(url)} cannot be used: ${(error as Error).message}`);
    }
  }

  private constructor(url: string, loadFeedObjects: FeedLoader) {
    this.#options = optionsOf(url);
    this.#writer = new PostgresqlWriter(new Connection(this.#options));
    this.#listener = new Connection({ ...this.#options, statement_timeout: 0 });
    this.#commits = new GroupCommit(this.#writer, loadFeedObjects, (committed) =>
      this.#events.emit('commit', committed),
    );
    this.#events.setMaxListeners(0);
  }

  async read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    const reader = await this.#acquireReader();
    try {
      const { client, db } = await this.#begin(reader);
      try {
        return await work(db);
      } finally {
        await client.query('rollback').catch(() => reader.lose());
      }
    } catch (error) {
      throw explained(error);
    } finally {
      this.#idleReaders.push(reader);
      this.#waitingReaders.shift()?.();
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
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#commits.finish();
    await Promise.all([this.#listener, ...this.#idleReaders].map((connection) => connection.close()));
    await this.#writer.close();
  }

  /** A transaction that sees one moment; an idle connection may have been lost without a word, so one more try. */
  async #begin(reader: Connection): Promise<{ client: pg.Client; db: Kysely<Database> }> {
    const fresh = reader.present === undefined;
    try {
      const open = await reader.use();
      await open.client.query('begin isolation level repeatable read read only');
      return open;
    } catch (error) {
      reader.lose();
      if (fresh) throw error;
      return this.#begin(reader);
    }
  }

  async #acquireReader(): Promise<Connection> {
    for (;;) {
      const idle = this.#idleReaders.pop();
      if (idle !== undefined) return idle;
      if (this.#readers < MOST_READERS) {
        this.#readers++;
        return new Connection(this.#options);
      }
      await new Promise<void>((resolve) => this.#waitingReaders.push(resolve));
    }
  }

  /** Hears of the commits of other controllers. What was missed while the connection was away is looked up at once. */
  async #listen(): Promise<void> {
    const { client } = await this.#listener.use();
    client.on('notification', ({ processId, payload }) => {
      if (processId !== this.#writer.processId)
        this.#events.emit('commit', { identity: payload === 'identity', changes: undefined });
    });
    client.once('end', () => this.#listenAgain());
    await client.query(`listen ${CHANNEL}`);
  }

  #listenAgain(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#listen().then(
        () => this.#events.emit('commit', { identity: true, changes: undefined }),
        () => this.#listenAgain(),
      );
    }, RECONNECT_MS);
  }
}

/** The connection that writes. */
class PostgresqlWriter implements WriterConnection {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get db(): Kysely<Database> {
    const { present } = this.#connection;
    if (present === undefined) throw unavailable('the connection was lost');
    return present.db;
  }

  /** Of our session in the server, by which it names who notified; undefined while there is none. */
  get processId(): number | undefined {
    return (this.#connection.present?.client as { processID?: number } | undefined)?.processID;
  }

  async migrate(): Promise<void> {
    const { db } = await this.#connection.use();
    await migrate(db);
  }

  async begin(): Promise<number> {
    const fresh = this.#connection.present === undefined;
    try {
      const { client } = await this.#connection.use();
      const results = (await client.query(
        'begin; select seq from feed_position for update',
      )) as unknown as pg.QueryResult<{ seq: number }>[];
      return results[1]?.rows[0]?.seq as number;
    } catch (error) {
      this.#connection.lose();
      // An idle connection may have been lost without a word; a lock that did not come is another matter.
      if (fresh || sqlState(error) !== undefined) throw error;
      return this.begin();
    }
  }

  async openSavepoint(): Promise<void> {
    await this.#run('savepoint request');
  }

  async releaseSavepoint(): Promise<void> {
    await this.#run('release request');
  }

  async undoToSavepoint(): Promise<boolean> {
    try {
      await this.#run('rollback to request; release request');
      return true;
    } catch {
      return false;
    }
  }

  async commit({ changes, identity }: Committed): Promise<void> {
    const last = changes.at(-1);
    if (last === undefined) return this.#run('commit');
    const payload = identity ? 'identity' : '';
    await this.#run(
      `update feed_position set seq = ${Number(last.seq)}; select pg_notify('${CHANNEL}', '${payload}'); commit`,
    );
  }

  async rollback(): Promise<void> {
    await this.#run('rollback').catch(() => this.abandon());
  }

  async abandon(): Promise<void> {
    this.#connection.lose();
  }

  explain(error: unknown): unknown {
    return explained(error);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #run(statements: string): Promise<void> {
    const { present } = this.#connection;
    if (present === undefined) throw unavailable('the connection was lost');
    await present.client.query(statements);
  }
}

/** PostgreSQL's code of an error that the server itself told, or undefined. */
const sqlState = (error: unknown): string | undefined => (error instanceof pg.DatabaseError ? error.code : undefined);

/** Classes of codes that say that the server cannot serve us now: connection, resources, operator, system. */
const UNAVAILABLE = /^(08|53|57|58)|^55P03$|^25P0[23]$/;

/** What the driver says of a connection that is gone, or does not answer. */
const LOST = /^(Connection terminated|Client has encountered|Client was closed|Query read timeout|timeout expired)/;

/** Classes of codes for values that the server cannot keep: a NUL character, a number out of range. */
const UNFIT = /^22/;

const unavailable = (reason: string): ApiError =>
  new ApiError(503, 'ServiceUnavailable', `The database is not available (${reason}). Try again in a while.`);

/** What a request is told: 503 where the database is away or too slow, else the error as it stands. */
function explained(error: unknown): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  const state = sqlState(error);
  if (state !== undefined && UNAVAILABLE.test(state)) return unavailable(error.message);
  if (state !== undefined) return UNFIT.test(state) ? invalidInput(error.message) : error;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined || LOST.test(error.message) ? unavailable(error.message || String(code)) : error;
}

/** The address of a store as it may stand in a message. */
export function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:/@]*):[^@]*@/, '$1:***@');
}
