import type { Compilable, CompiledQuery } from 'kysely';
import type { Reader } from './store.ts';

/** Place of a value that is not known yet when the query is compiled. */
class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/**
 * A query that is built and compiled once for each dialect, for what runs with every write: to build one takes several
 * times as long as SQLite takes to answer it. `build` gets placeholders in the values' places and must do nothing with
 * them but put them into the query.
 */
export function compiledQuery<Values extends readonly (string | number)[], Row>(
  build: (db: Reader, ...values: Values) => Compilable<Row>,
): (db: Reader, ...values: Values) => Promise<Row[]> {
  const compiled = new Map<unknown, CompiledQuery<Row>>();
  return async (db, ...values) => {
    const dialect = db.getExecutor().adapter.constructor;
    let query = compiled.get(dialect);
    if (query === undefined) {
      const slots = Array.from({ length: build.length - 1 }, (_, index) => new Slot(index));
      query = build(db, ...(slots as unknown as Values)).compile();
      compiled.set(dialect, query);
    }
    const parameters = query.parameters.map((value) => (value instanceof Slot ? values[value.index] : value));
    return (await db.executeQuery<Row>({ ...query, parameters })).rows;
  };
}
