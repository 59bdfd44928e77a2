/** Runs client commands for the tests and keeps what they print. */
import { runClient } from './run.ts';
import type { StandInCloud } from './stand-in-cloud.ts';

/** What a command printed and returned. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line, split at spaces (double quotes keep a part together), against a cloud. */
export async function runAgainst(cloud: StandInCloud, line: string): Promise<Ran> {
  cloud.requests.length = 0;
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  return await runWith(words, cloud.env);
}

/** Runs a command line with these environment variables, in this folder. */
export async function runWith(
  words: readonly string[],
  env: Record<string, string>,
  cwd = '/nonexistent',
): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await runClient(words, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env,
    isTTY: false,
    columns: 80,
    cwd,
  });
  return { code, out, err };
}
