import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ClientError } from './errors.ts';

/**
 * Asks for a password at the terminal without showing it; twice when `again` is given.
 *
 * @throws ClientError when there is no terminal to ask at, or the two differ.
 */
export async function askPassword(question: string, again?: string): Promise<string> {
  if (process.stdin.isTTY !== true) {
    throw new ClientError('No terminal detected attempting to read password');
  }
  const password = await asked(question);
  if (again !== undefined && (await asked(again)) !== password) {
    throw new ClientError('Passwords do not match, password unchanged');
  }
  return password;
}

async function asked(question: string): Promise<string> {
  process.stderr.write(`${question} `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
