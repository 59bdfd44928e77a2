import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { netnsPath } from './netns.ts';

/** Process id in a pid file; undefined when there is none. */
export function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Arguments of a live process; undefined when it is gone or a zombie. */
export function argumentsOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return text === '' ? undefined : text.split('\0').slice(0, -1);
  } catch {
    return undefined;
  }
}

/** Whether a process is in the network namespace that has this name now, which may be a later one than it started in. */
export function isInNetns(pid: number, namespace: string): boolean {
  return netnsInode(namespace) !== undefined && netnsOf(pid) === netnsInode(namespace);
}

/** Processes in a named network namespace. */
export function processesIn(namespace: string): number[] {
  const inode = netnsInode(namespace);
  if (inode === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => netnsOf(pid) === inode);
}

/**
 * Ends processes: SIGTERM, and SIGKILL for those that are still there after `graceMs`. Waits until they are gone.
 * Throws an Error when one cannot be ended.
 */
export async function endProcesses(pids: readonly number[], graceMs: number): Promise<void> {
  for (const [signal, waitMs] of [['SIGTERM', graceMs] as const, ['SIGKILL', 5000] as const]) {
    const deadline = Date.now() + waitMs;
    if (waitMs > 0) for (const pid of pids) signalTo(pid, signal);
    while (pids.some(isAlive)) {
      if (Date.now() >= deadline) break;
      await sleep(5);
    }
  }
  const left = pids.filter(isAlive);
  if (left.length > 0) throw new Error(`Processes ${left.join(', ')} do not end`);
}

/** Sends a signal to a process; one that is gone is no error. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const isAlive = (pid: number): boolean => argumentsOf(pid) !== undefined;

function netnsInode(namespace: string): number | undefined {
  try {
    return statSync(netnsPath(namespace)).ino;
  } catch {
    return undefined;
  }
}

function netnsOf(pid: number): number | undefined {
  try {
    return Number(/^net:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1]);
  } catch {
    return undefined;
  }
}
