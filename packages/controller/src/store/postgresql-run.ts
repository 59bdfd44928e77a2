import { PostgresqlServer } from './postgresql-server.ts';

let server: PostgresqlServer | undefined;

/** Global set-up of a run of tests on PostgreSQL (`node --test-global-setup`): one server for all test files. */
export async function globalSetup(): Promise<void> {
  server = await PostgresqlServer.start();
  process.env.PORTWARD_TEST_POSTGRESQL = server.url();
}

export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
