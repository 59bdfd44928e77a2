import { portForwarding } from '@portward/model/port-forwarding.ts';
import { columnOf } from '@portward/model/resource.ts';
import { type RawBuilder, sql } from 'kysely';
import type { Store } from '../store/store.ts';

/** Forwardings for a floating IP that has one already, which they take after. */
export interface Population {
  /** The one that stands. */
  readonly templateId: string;
  /** Their ports are those after its own. */
  readonly count: number;
  /** First of the numbers that their ids are made of; each may serve once. */
  readonly firstNumber: number;
}

/**
 * Writes many forwardings straight into the store, past all rules: for measurements, which need a million of them. Their
 * ids are spread evenly, as random ones are.
 */
export async function addForwardings(store: Store, population: Population[]): Promise<void> {
  await store.write(async ({ db }) => {
    for (const { templateId, count, firstNumber } of population) {
      const port = (column: string) => sql`template.${sql.ref(column)} + numbers.n - ${firstNumber} + 1`;
      // Multiplied by an odd number modulo 2³²: all different, and all over the place.
      const digits = sql`substr(cast(10000000000 + (numbers.n * 2654435761) % 4294967296 as text), 2)`;
      const made: Record<string, RawBuilder<unknown>> = {
        id: sql`substr(${digits}, 1, 8) || '-0000-4000-8000-00' || ${digits}`,
        external_first: port('external_first'),
        external_last: port('external_last'),
        internal_first: port('internal_first'),
        internal_last: port('internal_last'),
      };
      const columns = Object.entries(portForwarding.attributes)
        .filter(([, { storage }]) => storage !== 'computed')
        .map(([name]) => columnOf(name));
      await sql`
        with recursive numbers(n) as (
          select cast(${firstNumber} as bigint)
          union all select n + 1 from numbers where n + 1 < cast(${firstNumber + count} as bigint)
        )
        insert into port_forwardings (${sql.join(columns.map((column) => sql.ref(column)))})
        select ${sql.join(columns.map((column) => made[column] ?? sql.ref(`template.${column}`)))}
        from numbers, port_forwardings as template
        where template.id = ${templateId}`.execute(db);
    }
  });
}

/** Takes away again what was added to a forwarding's floating IP. */
export async function removeAdded(store: Store, templateId: string): Promise<void> {
  await store.write(async ({ db }) => {
    await sql`
      delete from port_forwardings where exists (
        select 1 from port_forwardings as template
        where template.id = ${templateId} and template.floatingip_id = port_forwardings.floatingip_id
          and template.protocol = port_forwardings.protocol and template.external_first < port_forwardings.external_first
      )`.execute(db);
  });
}
