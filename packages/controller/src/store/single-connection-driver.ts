import { CompiledQuery, type DatabaseConnection, type Driver } from 'kysely';

/** Every query of a Kysely instance runs on the one connection. Its transactions serve migrations only. */
export class SingleConnectionDriver implements Driver {
  readonly #connection: DatabaseConnection;
  readonly #begin: string;

  /** `begin`: the statement that begins a transaction. */
  constructor(connection: DatabaseConnection, begin: string) {
    this.#connection = connection;
    this.#begin = begin;
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw(this.#begin));
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
