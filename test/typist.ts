import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));
const TERMINAL = fileURLToPath(new URL('shell-in-terminal.py', import.meta.url));

type Start = (argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv) => ChildProcess;

const startHere: Start = ([command, ...rest], env) => spawn(command, rest, { env, stdio: ['pipe', 'pipe', 'inherit'] });

/** A person at a terminal: types, and reads what is shown until it fits. */
export class Typist {
  readonly #process: ChildProcess;
  #shown = '';
  #from = 0;

  /** `start` runs a command with pipes for its input and output; here on this machine unless given. */
  constructor(env: NodeJS.ProcessEnv, start: Start = startHere) {
    this.#process = start(['python3', TERMINAL, PORTWARD], { ...env, TERM: 'xterm' });
    this.#output.on('data', (data) => {
      this.#shown += data;
    });
  }

  get #output(): Readable {
    return this.#process.stdout as Readable;
  }

  /** Types, and awaits what must then be shown; answers what was shown up to there. */
  async type(text: string, expected: RegExp): Promise<string> {
    this.#process.stdin?.write(text);
    return await this.shows(expected);
  }

  async shows(expected: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(20_000);
    for (;;) {
      const fresh = this.#shown.slice(this.#from);
      const found = expected.exec(fresh);
      if (found !== null) {
        const end = found.index + found[0].length;
        this.#from += end;
        return fresh.slice(0, end);
      }
      await once(this.#output, 'data', { signal }).catch(() => {
        throw new Error(`${expected} was not shown, but: ${fresh}`);
      });
    }
  }

  /** Types the last words; answers the exit code. */
  async leave(text: string): Promise<number | null> {
    const ended = once(this.#process, 'exit');
    this.#process.stdin?.write(text);
    return (await ended)[0];
  }
}

/** What the interactive shell shows when it is ready for a line. */
export const PROMPT = /\(portward\) /;
