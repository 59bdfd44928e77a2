import { chownSync, existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from './configuration.ts';

/** Unprivileged ids for a machine without a user `portward`: reserved by Debian policy, so nobody else's. */
const FALLBACK_ID = 65_530;

/** Whom the controller becomes when root starts it. */
export interface ServiceUser {
  uid: number;
  gid: number;
}

/** The user of that name or number, or the default one. Throws a UsageError for a name that does not exist. */
export function serviceUser(wanted: string | undefined): ServiceUser {
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  const name = wanted ?? 'portward';
  const found = lines
    .map((line) => line.split(':'))
    .find((entry) => entry.length > 3 && (entry[0] === name || entry[2] === name));
  if (found !== undefined) return { uid: Number(found[2]), gid: Number(found[3]) };
  if (wanted === undefined) return { uid: FALLBACK_ID, gid: FALLBACK_ID };
  if (/^\d+$/.test(wanted)) return { uid: Number(wanted), gid: Number(wanted) };
  throw new UsageError(`There is no user ${wanted} on this machine; create it, or give --user another one.`);
}

/** The first folder above `path` that the user may not pass through, if any. */
export function barredFolder(path: string, user: ServiceUser): string | undefined {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Gives a data directory and what lies in it to the user. */
export function giveFolder(path: string, user: ServiceUser): void {
  for (const name of readdirSync(path)) {
    const entry = join(path, name);
    // A link could lead anywhere.
    if (lstatSync(entry).isFile()) chownSync(entry, user.uid, user.gid);
  }
  chownSync(path, user.uid, user.gid);
}

/** Becomes the user for good. Does nothing in a user namespace that does not know it. */
export function becomeUser(user: ServiceUser): void {
  const mapped = readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .some((line) => {
      const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return first <= user.uid && user.uid < first + count;
    });
  if (!mapped) return;
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
