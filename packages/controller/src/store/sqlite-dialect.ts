import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  type RawNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { ValueList } from './among.ts';
import { BOOLEAN_COLUMNS, JSON_COLUMNS } from './schema.ts';
import { announceStatement } from './statements.ts';

/** How many distinct statements a connection keeps prepared. */
const STATEMENT_CACHE_SIZE = 500;

/** Kysely on one connection of node:sqlite. Transactions are the store's business, not Kysely's. */
export class SqliteDialect implements Dialect {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  createDriver(): Driver {
    return new SqliteDriver(new SqliteConnection(this.#database));
  }
  createQueryCompiler(): QueryCompiler {
    return new Compiler();
  }
  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }
  // biome-ignore lint/suspicious/noExplicitAny: the type that Kysely's own interface prescribes
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

/** SQLite has no arrays: `= any(list)` becomes a look into a JSON list. */
class Compiler extends SqliteQueryCompiler {
  protected override visitRaw(node: RawNode): void {
    if (node.sqlFragments[1] === ' = any(') {
      super.visitRaw({ ...node, sqlFragments: ['', ' in (select value from json_each(', '))'] });
    } else {
      super.visitRaw(node);
    }
  }
}

/** Every query of a Kysely instance runs on the one connection. */
class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  async commitTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('rollback'));
  }
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    announceStatement(query);
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters.map(toSqlite);
    if (statement.columns().length > 0) {
      const rows = statement.all(...parameters) as Record<string, unknown>[];
      for (const row of rows) fromSqlite(row);
      return { rows: rows as R[] };
    }
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      if (this.#statements.size >= STATEMENT_CACHE_SIZE) {
        this.#statements.delete(this.#statements.keys().next().value as string);
      }
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** SQLite has neither booleans nor JSON values: they are kept as 0/1 and as text. */
function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) return null;
  if (value instanceof ValueList) return JSON.stringify(value.values);
  if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) return JSON.stringify(value);
  return value as SQLInputValue;
}

function fromSqlite(row: Record<string, unknown>): void {
  for (const column in row) {
    const value = row[column];
    if (value === null) continue;
    if (BOOLEAN_COLUMNS.has(column)) row[column] = value === 1;
    else if (JSON_COLUMNS.has(column)) row[column] = JSON.parse(value as string);
  }
}
