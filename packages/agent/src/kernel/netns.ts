import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { checked, EINVAL, lastErrno, mount, setns, umount2, unshare } from './libc.ts';

/** Where `ip netns` keeps named network namespaces. */
export const NETNS_DIRECTORY = '/run/netns';
const THREAD_NAMESPACE = '/proc/thread-self/ns/net';

/** sched.h, sys/mount.h, linux/magic.h */
const CLONE_NEWNET = 0x4000_0000;
const MS_BIND = 4096;
const MS_REC = 16_384;
const MS_SHARED = 1 << 20;
const MNT_DETACH = 2;
const NSFS_MAGIC = 0x6e73_6673;

export const netnsPath = (namespace: string): string => join(NETNS_DIRECTORY, namespace);

/**
 * Runs a function with this thread in a network namespace (empty: where it is) and comes back. The function must be
 * synchronous: other JavaScript of the thread would otherwise run in the wrong namespace.
 */
export function inNetns<T>(namespace: string, work: () => T): T {
  if (namespace === '') return work();
  const there = openSync(netnsPath(namespace), 'r');
  try {
    return awayFromHome(() => {
      checked(`setns ${namespace}`, setns(there, CLONE_NEWNET));
      return work();
    });
  } finally {
    closeSync(there);
  }
}

/** Runs a function that changes the thread's network namespace, and comes back, whatever happens. */
function awayFromHome<T>(work: () => T): T {
  const home = openSync(THREAD_NAMESPACE, 'r');
  try {
    return work();
  } finally {
    const back = setns(home, CLONE_NEWNET);
    closeSync(home);
    // A thread that is stuck in a router's namespace would do harm with its next step.
    if (back !== 0) process.abort();
  }
}

/** Runs a function in a network namespace without name, which is gone afterwards unless a socket keeps it. */
export const inScratchNetns = <T>(work: () => T): T =>
  awayFromHome(() => {
    checked('unshare(CLONE_NEWNET)', unshare(CLONE_NEWNET));
    return work();
  });

/**
 * Makes a named network namespace, as `ip netns add` does, but so that `prepare` has run inside before it can be seen
 * under its name. One that is there already stays, and false is given.
 */
export function addNetns(namespace: string, prepare: () => void): boolean {
  const path = netnsPath(namespace);
  if (isNetns(namespace)) return false;
  shareDirectory();
  try {
    closeSync(openSync(path, 'w', 0o444));
  } catch (error) {
    throw new Error(
      `the namespace ${namespace} cannot be made: ${(error as Error).message}; see what stands at ${path}`,
    );
  }
  awayFromHome(() => {
    checked('unshare(CLONE_NEWNET)', unshare(CLONE_NEWNET));
    prepare();
    checked(`mount on ${path}`, mount(THREAD_NAMESPACE, path, null, MS_BIND, null));
  });
  return true;
}

/** Takes the name from a network namespace; it goes as soon as no process and no socket is in it. */
export function deleteNetns(namespace: string): void {
  const path = netnsPath(namespace);
  if (!existsSync(path)) return;
  if (isNetns(namespace)) checked(`umount ${path}`, umount2(path, MNT_DETACH));
  unlinkSync(path);
}

/** Whether the name stands for a namespace, not for a file that an interrupted creation left. */
export function isNetns(namespace: string): boolean {
  try {
    return Number(statfsSync(netnsPath(namespace)).type) === NSFS_MAGIC;
  } catch {
    return false;
  }
}

/** Names of all network namespaces of the host. */
export function listNetns(): string[] {
  return existsSync(NETNS_DIRECTORY) ? readdirSync(NETNS_DIRECTORY) : [];
}

/** Mounts made below the directory shall be seen, and go, in all mount namespaces that have it, as with `ip netns`. */
function shareDirectory(): void {
  mkdirSync(NETNS_DIRECTORY, { recursive: true });
  if (mount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null) === 0) return;
  if (lastErrno() !== EINVAL) throw new Error(`${NETNS_DIRECTORY} cannot be shared between mount namespaces`);
  checked(`mount ${NETNS_DIRECTORY}`, mount(NETNS_DIRECTORY, NETNS_DIRECTORY, 'none', MS_BIND | MS_REC, null));
  checked(`mount ${NETNS_DIRECTORY}`, mount('', NETNS_DIRECTORY, 'none', MS_SHARED | MS_REC, null));
}
