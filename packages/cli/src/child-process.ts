import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program that this one is: the same Node, the same main file. */
export const selfCommand = (...args: string[]): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('main.ts', import.meta.url)),
  ...args,
];

/** How a part of the system is started. */
export interface PartOptions {
  /** For messages: `controller`, `agent`. */
  name: string;
  /** Starts the process with its output going to the log file's descriptor. */
  start(logFile: number): ChildProcess;
  /** Where its log goes. */
  logPath: string;
  /** Told when the part ended by itself and is started again. */
  onRestart?(reason: string): void;
}

/** The data directory may belong to a less privileged user: a link there must not lead us to another file. */
const APPEND_TO_OWN_FILE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** Milliseconds before a part that ended by itself is started again; doubles up to the second figure. */
const RESTART_MS = [200, 5000] as const;

/** A role in a process of its own that is started again when it ends by itself. */
export class Part {
  readonly #options: PartOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #delay: number = RESTART_MS[0];

  constructor(options: PartOptions) {
    this.#options = options;
  }

  /** Process id, as the one who started it sees it. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it; resolves with its first message (`ready`), or throws with the end of its log when it ends first. */
  async start(): Promise<unknown> {
    const child = this.#launch();
    return new Promise((resolve, reject) => {
      const started = (message: unknown): void => {
        child.off('exit', ended);
        resolve(message);
      };
      child.once('message', started);
      child.once('spawn', () => {
        if (!child.connected) started(undefined);
      });
      child.once('error', reject);
      const ended = (code: number | null, signal: string | null): void => {
        // One that ends before it works would end again.
        this.#stopping = true;
        reject(
          new Error(`The ${this.#options.name} did not start (${signal ?? `exit code ${code}`}). ${this.#lastLog()}`),
        );
      };
      child.once('exit', ended);
    });
  }

  /** Ends it: SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(impatient);
  }

  #launch(): ChildProcess {
    const log = openSync(this.#options.logPath, APPEND_TO_OWN_FILE, 0o600);
    const child = this.#options.start(log);
    closeSync(log);
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.#options.onRestart?.(signal ?? `exit code ${code}`);
      const timer = setTimeout(() => {
        if (!this.#stopping) this.#launch();
      }, this.#delay);
      timer.unref();
      this.#delay = Math.min(this.#delay * 2, RESTART_MS[1]);
    });
    return child;
  }

  #lastLog(): string {
    const lines = readFileSync(this.#options.logPath, 'utf8').trim().split('\n').slice(-5);
    return `The end of ${this.#options.logPath}:\n${lines.join('\n')}`;
  }
}

/** Starts one of our roles beside this process, with a message channel that tells it when we are gone. */
export function startRole(args: string[], logFile: number, env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const [command = '', ...rest] = selfCommand(...args);
  return spawn(command, rest, { stdio: ['ignore', logFile, logFile, 'ipc'], env, detached: true });
}
