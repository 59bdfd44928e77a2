import { readFileSync, writeFileSync } from 'node:fs';
import { inNetns } from './netns.ts';

const path = (name: string): string => `/proc/sys/${name}`;

/** Value of a kernel parameter (`net/ipv4/ip_forward`) in the thread's network namespace; undefined when there is none. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(path(name), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Sets kernel parameters of one namespace. Throws an Error that names the one that could not be set. */
export function writeSysctls(
  namespace: string,
  values: Iterable<{ name: string; value: string; optional: boolean }>,
): void {
  inNetns(namespace, () => {
    for (const { name, value, optional } of values) {
      try {
        writeFileSync(path(name), value);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (optional && code === 'ENOENT') continue;
        throw new Error(`kernel parameter ${name.replaceAll('/', '.')} cannot be set to ${value}: ${code ?? message}`);
      }
    }
  });
}
