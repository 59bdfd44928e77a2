import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Compiled code is kept beside the packages, which spares each command most of its start; where that cannot be written,
// nothing is kept.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/portward', import.meta.url)));

/** Starts a role, or carries out a client command; the heavy parts are loaded only when they are needed. */
async function main(argv: string[]): Promise<number> {
  const [word] = argv;
  if (word !== undefined && ROLES.has(word)) {
    const { runRole } = await import('./roles.ts');
    return runRole(argv);
  }
  if (word === undefined || word.startsWith('--os-')) {
    const { isForShell, runShell } = await import('./client/interactive.ts');
    if (isForShell(argv) && (argv.length > 0 || (await hasCloud()))) return runShell(argv, shellIo());
  }
  if (word === undefined || (argv.length === 1 && HELP.has(word))) {
    const { overview } = await import('./overview.ts');
    process.stdout.write(overview());
    return 0;
  }
  if (word === '--version') {
    const { version } = await import('./version.ts');
    process.stdout.write(`portward ${version()}\n`);
    return 0;
  }
  if (word === '__complete' || word === 'complete') {
    const { runComplete } = await import('./complete-command.ts');
    return runComplete(argv);
  }
  const { runClient } = await import('./client/run.ts');
  return runClient(argv, {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    isTTY: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 0,
    cwd: process.cwd(),
  });
}

/** Is there something to sign in with? */
async function hasCloud(): Promise<boolean> {
  const { authSettings } = await import('./client/auth.ts');
  const sources = { options: {}, insecure: false, env: process.env, cwd: process.cwd() };
  return authSettings(sources).then(
    () => true,
    // A cloud that was named but is not there is an error to tell, not a beginner's question.
    () => process.env.OS_CLOUD !== undefined || process.env.OS_AUTH_URL !== undefined,
  );
}

const shellIo = () => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  isTTY: process.stdout.isTTY === true,
  cwd: process.cwd(),
});

/** Words that start a part of the system instead of speaking to one. */
const ROLES: ReadonlySet<string> = new Set(['up', 'controller', 'agent', 'doctor']);
/** Words that ask what there is. */
const HELP: ReadonlySet<string> = new Set(['help', '--help', '-h']);

process.exitCode = await main(process.argv.slice(2));
