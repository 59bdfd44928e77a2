import { readFileSync } from 'node:fs';
import { type Config, parseConfig } from '@portward/model/config.ts';
import { parse } from 'yaml';

/** A mistake of the user's: printed as it stands, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What is wrong with `--demo` and an external Keystone. */
export const DEMO_NEEDS_USERS = '--demo makes a user of its own: it goes with the embedded identity only.';

/** Reads a configuration file, or the defaults; throws a UsageError that says what is wrong with it. */
export function readConfig(path: string | undefined): Config {
  if (path === undefined) return parseConfig({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`Configuration file ${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    return parseConfig(parse(text));
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}
