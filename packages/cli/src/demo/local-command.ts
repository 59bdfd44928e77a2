import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a command on this machine, outside the sandbox; throws what it said when it fails. */
export async function run([command = '', ...rest]: string[]): Promise<string> {
  const { stdout } = await execute(command, rest);
  return stdout;
}
