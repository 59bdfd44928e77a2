import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
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

/** What a controller keeps in its data directory. */
const OWN_FILES: ReadonlySet<string> = new Set([
  ...['portward.db', 'portward.db-wal', 'portward.db-shm', 'lock', 'lock-journal'],
  ...['agent.yaml', 'clouds.yaml', 'controller.sock', 'controller.log', 'agent.log'],
]);

/**
 * Gives a data directory and the controller's files in it to the user. Answers false, and touches nothing, where the
 * directory is not the user's yet and holds anything else: then it is not ours to give away.
 */
export function giveFolder(path: string, user: ServiceUser): boolean {
  const names = readdirSync(path);
  if (statSync(path).uid !== user.uid && names.some((name) => !OWN_FILES.has(name))) return false;
  for (const name of names.filter((entry) => OWN_FILES.has(entry))) {
    const entry = join(path, name);
    if (!lstatSync(entry).isFile()) continue;
    // Through a descriptor: a link that takes the file's place in between leads nowhere.
    const file = openSync(entry, constants.O_RDONLY | constants.O_NOFOLLOW);
    fchownSync(file, user.uid, user.gid);
    closeSync(file);
  }
  chownSync(path, user.uid, user.gid);
  return true;
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
