import type { Compilable, CompiledQuery } from 'kysely';
import { ValueList } from './among.ts';
import type { Reader } from './store.ts';

/** Stands in a compiled query for a value that each execution gives. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A query that is built and compiled once for each dialect, for what runs with every request: to build one takes longer
 * than SQLite takes to answer it. `build` gets the values' places, which it may only hand on, one by one: to `where`,
 * `values`, `set`, and to `among` for a list. Answers the rows.
 */
export function compiledQuery<V extends Record<string, unknown>, O>(
  build: (db: Reader, values: V) => Compilable<O>,
): (db: Reader, values: V) => Promise<O[]> {
  const queries = new Map<unknown, CompiledQuery<O>>();
  const places = new Proxy({} as V, { get: (_, name) => new Slot(name as string) });
  return async (db, values) => {
    const dialect = db.getExecutor().adapter.constructor;
    let query = queries.get(dialect);
    if (query === undefined) {
      query = build(db, places).compile();
      queries.set(dialect, query);
    }
    const parameters = query.parameters.map((parameter) => fill(parameter, values));
    return (await db.executeQuery<O>({ ...query, parameters })).rows;
  };
}

function fill(parameter: unknown, values: Record<string, unknown>): unknown {
  if (parameter instanceof Slot) return values[parameter.name];
  if (parameter instanceof ValueList && (parameter.values as unknown) instanceof Slot) {
    return new ValueList(values[(parameter.values as unknown as Slot).name] as ValueList['values']);
  }
  return parameter;
}
