import { type RawBuilder, sql } from 'kysely';

/**
 * Condition: the column holds one of the values. As one parameter, because a statement takes a limited number of them
 * (SQLite: 32,766), and because the statement stays the same whatever the number of values.
 */
export const among = (column: string, values: readonly (string | number)[]): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
