import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as m0001 from './migrations/0001-first.ts';

/** Every migration, by name; their order is that of the names, and one that has been released never changes. */
const MIGRATIONS = { '0001-first': m0001 };

/** Brings the store to the newest schema. Throws what the failed migration threw; a failed one leaves nothing behind. */
export async function migrate<T>(db: Kysely<T>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  // Kysely's words for a migration that stands in the store and not in this program.
  if (error instanceof Error && error.message.includes('is missing')) {
    throw new Error('a newer Portward has written it; run that version, or restore a copy from before');
  }
  throw error;
}
