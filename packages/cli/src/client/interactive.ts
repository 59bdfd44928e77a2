import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { type AuthSettings, authSettings } from './auth.ts';
import { cloudNames } from './cloud-names.ts';
import { completions } from './complete.ts';
import { ClientError, EXIT } from './errors.ts';
import { takeGlobalOptions } from './global-options.ts';
import { type ClientIo, runClient } from './run.ts';
import { Session } from './session.ts';
import { quotedWord, shellWords, typedLine } from './shell-words.ts';

const PROMPT = '(portward) ';
const HISTORY_LINES = 1000;

/** A terminal, or a file or pipe of lines, to take commands from. */
export interface ShellIo extends Omit<ClientIo, 'columns'> {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number };
}

/** Does a command line have global options only, so that the commands come from stdin? */
export function isForShell(argv: readonly string[]): boolean {
  try {
    return takeGlobalOptions(argv).words.length === 0;
  } catch {
    return false;
  }
}

/**
 * Reads commands from stdin until its end, `exit` or `quit`, and carries them out one after the other with one
 * token. A command that fails does not end it.
 *
 * @returns the exit code of the last command; 3 when there is nothing to sign in with.
 */
export async function runShell(argv: readonly string[], io: ShellIo): Promise<number> {
  const connect = sharedSessions();
  const { auth, insecure } = takeGlobalOptions(argv);
  const signIn = async (): Promise<Session> =>
    await connect(await authSettings({ options: auth, insecure, env: io.env, cwd: io.cwd }), undefined);
  const isTerminal = io.stdin.isTTY === true && io.isTTY;
  const lines = createInterface({
    input: io.stdin,
    output: isTerminal ? io.stdout : undefined,
    terminal: isTerminal,
    prompt: PROMPT,
    history: isTerminal ? readHistory(io.env) : [],
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: completer(cloudNames(signIn)),
  });
  if (isTerminal) lines.on('history', (history) => keepHistory(io.env, history));
  return await new Shell(argv, io, lines, connect, isTerminal).run();
}

class Shell {
  readonly #argv: readonly string[];
  readonly #io: ShellIo;
  readonly #lines: Interface;
  readonly #connect: Connect;
  readonly #isTerminal: boolean;
  /** Ends the wait for the command that runs. */
  #abandon: (() => void) | undefined;

  constructor(argv: readonly string[], io: ShellIo, lines: Interface, connect: Connect, isTerminal: boolean) {
    this.#argv = argv;
    this.#io = io;
    this.#lines = lines;
    this.#connect = connect;
    this.#isTerminal = isTerminal;
  }

  async run(): Promise<number> {
    let code: number = EXIT.done;
    this.#lines.on('SIGINT', () => this.#interrupt());
    if (this.#isTerminal) this.#lines.prompt();
    for await (const line of this.#lines) {
      const words = this.#words(line);
      if (words?.[0] === 'exit' || words?.[0] === 'quit') break;
      if (words === undefined) code = EXIT.usage;
      else if (words.length > 0) code = await this.#carryOut(words);
      if (this.#isTerminal) this.#lines.prompt();
    }
    this.#lines.close();
    return code;
  }

  #words(line: string): readonly string[] | undefined {
    try {
      const words = shellWords(line);
      // Lines copied from a script keep the program's name.
      return words[0] === 'portward' ? words.slice(1) : words;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#io.stderr.write(`${error.message}\n`);
      return undefined;
    }
  }

  async #carryOut(words: readonly string[]): Promise<number> {
    let isAbandoned = false;
    const { stdout, stderr } = this.#io;
    const abandoned = new Promise<number>((resolve) => {
      this.#abandon = () => {
        isAbandoned = true;
        resolve(EXIT.refused);
      };
    });
    const done = runClient([...this.#argv, ...words], {
      ...this.#io,
      stdout: { write: (text) => isAbandoned || stdout.write(text) },
      stderr: { write: (text) => isAbandoned || stderr.write(text) },
      columns: stdout.columns ?? 0,
      connect: this.#connect,
    });
    const code = await Promise.race([done, abandoned]);
    this.#abandon = undefined;
    return code;
  }

  /** Ctrl-C leaves the line that is typed or the command that is waited for, never the shell. */
  #interrupt(): void {
    this.#io.stdout.write('^C\n');
    if (this.#abandon !== undefined) {
      this.#abandon();
      return;
    }
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#lines.prompt();
  }
}

type Connect = NonNullable<ClientIo['connect']>;

/** Signs in once for all commands with the same settings. */
function sharedSessions(): Connect {
  const sessions = new Map<string, Promise<Session>>();
  return (auth: AuthSettings, trace) => {
    const key = JSON.stringify([auth, trace !== undefined]);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const session = Session.connect(auth, trace);
    sessions.set(key, session);
    session.catch(() => sessions.delete(key));
    return session;
  };
}

function completer(namesOf: Parameters<typeof completions>[1]) {
  return (line: string, done: (error: null, result: [string[], string]) => void): void => {
    const { words, lastStart } = typedLine(line);
    const typed = lastStart === line.length ? [...words, ''] : words;
    completions(typed[0] === 'portward' ? typed.slice(1) : typed, namesOf).then(
      (found) => done(null, [found.map((word) => `${quotedWord(word)} `), line.slice(lastStart)]),
      () => done(null, [[], line]),
    );
  };
}

function historyFile(env: ClientIo['env']): string | undefined {
  const state = env.XDG_STATE_HOME || (env.HOME && join(env.HOME, '.local', 'state'));
  return state ? join(state, 'portward', 'history') : undefined;
}

/** Lines of earlier sessions, the newest first, as node:readline keeps them. */
function readHistory(env: ClientIo['env']): string[] {
  const file = historyFile(env);
  try {
    return file === undefined ? [] : readFileSync(file, 'utf8').split('\n').filter(Boolean).reverse();
  } catch {
    return [];
  }
}

/** Writes the history for its owner alone, without lines that hold a secret. A shell works without one, too. */
function keepHistory(env: ClientIo['env'], history: readonly string[]): void {
  const file = historyFile(env);
  if (file === undefined) return;
  const lines = history.filter((line) => !/password|secret|--os-token/i.test(line)).toReversed();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch {
    // A home that cannot be written keeps no history.
  }
}
