import { type RawBuilder, sql } from 'kysely';

/** Values that travel as one parameter; each dialect's driver and compiler make of it what its database understands. */
export class ValueList {
  readonly values: readonly (string | number)[];

  constructor(values: readonly (string | number)[]) {
    this.values = values;
  }
}

/**
 * Condition: the column holds one of the values. As one parameter, because a statement takes a limited number of them
 * (SQLite: 32,766), and because the statement stays the same whatever the number of values.
 */
export const among = (column: string, values: readonly (string | number)[]): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} = any(${new ValueList(values)})`;
