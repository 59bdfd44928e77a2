import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A data directory that this controller has to itself. */
export interface DataDirectory {
  readonly path: string;
  release(): void;
}

/**
 * Takes a data directory, making it when missing. Throws one sentence when it cannot be written or when another
 * controller has it: two on one store would not see each other's sign-ins. The lock is SQLite's own on a file beside
 * the store, so the kernel releases it however a controller ends.
 */
export function takeDataDirectory(path: string): DataDirectory {
  try {
    if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(
      `The data directory ${path} cannot be written (${(error as Error).message}); give --data-dir another.`,
    );
  }
  const lock = new DatabaseSync(join(path, 'lock'), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new Error(`Another controller runs on ${path}; stop it, or give --data-dir another folder.`);
  }
  return { path, release: () => lock.close() };
}

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;
