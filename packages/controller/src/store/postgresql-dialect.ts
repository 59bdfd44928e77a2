import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
} from 'kysely';
import type { ClientBase } from 'pg';
import { ValueList } from './among.ts';
import { JSON_COLUMNS } from './schema.ts';
import { SingleConnectionDriver } from './single-connection-driver.ts';
import { announceStatement } from './statements.ts';

/** How many distinct statements a connection keeps prepared in the server. */
const PREPARED_STATEMENTS = 500;

/** Kysely on one connection of PostgreSQL. Transactions are the store's business, but for the migrations'. */
export class PostgresqlDialect implements Dialect {
  readonly #client: ClientBase;

  constructor(client: ClientBase) {
    this.#client = client;
  }

  createDriver(): Driver {
    return new SingleConnectionDriver(new PostgresqlConnection(this.#client), 'begin');
  }
  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler();
  }
  createAdapter(): DialectAdapter {
    return new PostgresAdapter();
  }
  // biome-ignore lint/suspicious/noExplicitAny: the type that Kysely's own interface prescribes
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }
}

class PostgresqlConnection implements DatabaseConnection {
  readonly #client: ClientBase;
  /** Names of prepared statements, by their text. */
  readonly #names = new Map<string, string>();

  constructor(client: ClientBase) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    announceStatement(query);
    const name = this.#nameOf(query.sql);
    const result = await this.#client.query({
      ...(name !== undefined && { name }),
      text: query.sql,
      values: query.parameters.map(toPostgresql),
    });
    const rows = result.rows as Record<string, unknown>[];
    for (const row of rows) fromPostgresql(row);
    return { rows: rows as R[], numAffectedRows: BigInt(result.rowCount ?? 0) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  /** The first texts that are seen are prepared; the server keeps them as long as the connection lives. */
  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= PREPARED_STATEMENTS) return known;
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}

/** JSON is kept as text, as in SQLite; lists of values are arrays. */
function toPostgresql(value: unknown): unknown {
  if (value instanceof ValueList) return value.values;
  if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) return JSON.stringify(value);
  return value;
}

function fromPostgresql(row: Record<string, unknown>): void {
  for (const column in row) {
    if (JSON_COLUMNS.has(column) && row[column] !== null) row[column] = JSON.parse(row[column] as string);
  }
}
