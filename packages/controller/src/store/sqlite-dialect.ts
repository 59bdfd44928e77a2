import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type LimitNode,
  type QueryCompiler,
  type QueryResult,
  type RawNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { ValueList } from './among.ts';
import { BOOLEAN_COLUMNS, JSON_COLUMNS } from './schema.ts';
import { SingleConnectionDriver } from './single-connection-driver.ts';
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
    return new SingleConnectionDriver(new SqliteConnection(this.#database), 'begin immediate');
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

class Compiler extends SqliteQueryCompiler {
  /** SQLite has no arrays: `= any(list)` becomes a look into a JSON list. */
  protected override visitRaw(node: RawNode): void {
    if (node.sqlFragments[1] === ' = any(') {
      super.visitRaw({ ...node, sqlFragments: ['', ' in (select value from json_each(', '))'] });
    } else {
      super.visitRaw(node);
    }
  }

  /** SQLite plans a statement anew at each execution when a bare parameter is its limit, to make use of the value. */
  protected override visitLimit(node: LimitNode): void {
    this.append('limit cast(');
    this.visitNode(node.limit);
    this.append(' as integer)');
  }
}

/** A statement that is ready to run, and what it answers. */
interface Prepared {
  readonly statement: StatementSync;
  /** Empty: it answers no rows. To ask for them takes longer than many a statement does. */
  readonly columns: readonly string[];
  /** What SQLite's values of a column must be turned into; undefined: they are as they should be. */
  readonly convert: readonly (((value: SQLOutputValue) => unknown) | undefined)[];
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    announceStatement(query);
    const prepared = this.#prepare(query.sql);
    const parameters = query.parameters.map(toSqlite);
    if (prepared.columns.length > 0) {
      const found = prepared.statement.all(...parameters) as unknown as SQLOutputValue[][];
      return { rows: found.map((values) => toObject(values, prepared) as R) };
    }
    const { changes, lastInsertRowid } = prepared.statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#database.prepare(sql);
      statement.setReturnArrays(true);
      const columns = statement.columns().map(({ name }) => name);
      prepared = { statement, columns, convert: columns.map(conversionOf) };
      if (this.#statements.size >= STATEMENT_CACHE_SIZE) {
        this.#statements.delete(this.#statements.keys().next().value as string);
      }
      this.#statements.set(sql, prepared);
    }
    return prepared;
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

function conversionOf(column: string): ((value: SQLOutputValue) => unknown) | undefined {
  if (BOOLEAN_COLUMNS.has(column)) return (value) => value === 1;
  if (JSON_COLUMNS.has(column)) return (value) => JSON.parse(value as string);
  return undefined;
}

/** The row as an ordinary object: SQLite's own rows are ones that everything after this takes twice as long with. */
function toObject(values: readonly SQLOutputValue[], { columns, convert }: Prepared): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const value = values[i] as SQLOutputValue;
    const conversion = convert[i];
    row[columns[i] as string] = conversion === undefined || value === null ? value : conversion(value);
  }
  return row;
}
