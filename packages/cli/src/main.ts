import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Compiled code is kept beside the packages, which spares each command most of its start; where that cannot be written,
// nothing is kept.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/portward', import.meta.url)));

/** Exit code of wrong usage. */
const USAGE = 2;

/** Starts a role, or carries out a client command; the heavy parts are loaded only when they are needed. */
async function main(argv: string[]): Promise<number> {
  const [word] = argv;
  if (word !== undefined && ROLES.has(word)) {
    const { runRole } = await import('./roles.ts');
    return runRole(argv);
  }
  const { isClientCommand, runClient } = await import('./client/run.ts');
  if (isClientCommand(argv)) {
    return runClient(argv, {
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      isTTY: process.stdout.isTTY === true,
      columns: process.stdout.columns ?? 0,
      cwd: process.cwd(),
    });
  }
  const { overview, unknownCommand } = await import('./overview.ts');
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    process.stdout.write(overview());
    return 0;
  }
  if (word === '--version') {
    const { version } = await import('./version.ts');
    process.stdout.write(`portward ${version()}\n`);
    return 0;
  }
  process.stderr.write(unknownCommand(argv));
  return USAGE;
}

/** Words that start a part of the system instead of speaking to one. */
const ROLES: ReadonlySet<string> = new Set(['up', 'controller', 'agent']);

process.exitCode = await main(process.argv.slice(2));
