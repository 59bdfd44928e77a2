import { readFile } from 'node:fs/promises';
import { ClientError } from './errors.ts';

/**
 * The text of a file named on the command line.
 *
 * @throws ClientError when it cannot be read.
 */
export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClientError(`Can't open '${file}': ${reason}`);
  }
}

/** The first line of a file, as a password is kept in one. */
export async function readFirstLine(file: string): Promise<string> {
  return (await readTextFile(file)).split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
}
