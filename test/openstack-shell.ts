import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ApiCloud, CloudName } from './api-cloud.ts';

const run = promisify(execFile);
const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

/** What the line says that ends the output of a command; a number follows. */
const MARK = 'end-of-command';
/** How long one command may take, milliseconds. */
const PATIENCE_MS = 60_000;

/** One `openstack` process in its interactive mode: commands in, what they print out, without a start for each. */
export class OpenstackShell {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #commands = 0;

  /** Starts it; it signs in with the first command. */
  constructor(cloud: ApiCloud, name: CloudName) {
    // Output and errors through one pipe, unbuffered: so they come in the order in which they were said.
    this.#child = spawn('sh', ['-c', 'exec openstack 2>&1'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...cloud.environment(name), PYTHONUNBUFFERED: '1', HOME: cloud.directory, SHELL: '/bin/sh' },
    });
    // When it is gone, the end of its output says so.
    this.#child.stdin?.on('error', () => {});
    if (this.#child.stdout === null) throw new Error('openstack has no output.');
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Types one command; answers all that it printed, errors too. */
  async run(words: readonly string[]): Promise<string> {
    const mark = `${MARK} ${++this.#commands}`;
    this.#child.stdin?.write(`${words.map(quoted).join(' ')}\n!echo ${mark}\n`);
    const said: string[] = [];
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    try {
      for (;;) {
        const { value: line, done } = await this.#lines.next();
        if (done) throw new Error(`openstack ended at '${words.join(' ')}': ${said.join('\n')}`);
        if (line === mark) return said.join('\n');
        said.push(line);
      }
    } finally {
      clearTimeout(impatient);
    }
  }

  /** Ends it as Ctrl-D does. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

/** Quoted twice, because interactive mode splits what the user types twice; it has no way to say every character. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (/["'\\`$]/.test(word)) throw new Error(`Interactive mode cannot be given the word ${word}.`);
  return `"'${word}'"`;
}

/** What a command ended with. */
export interface Ending {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command in a process of its own, as in a script; `who` names a cloud, or is the whole environment. */
export function openstackOnce(
  cloud: ApiCloud,
  who: CloudName | NodeJS.ProcessEnv,
  words: readonly string[],
): Promise<Ending> {
  return runOnce('openstack', cloud, who, words);
}

/** The same by our own client. */
export function portwardOnce(
  cloud: ApiCloud,
  who: CloudName | NodeJS.ProcessEnv,
  words: readonly string[],
): Promise<Ending> {
  return runOnce(PORTWARD, cloud, who, words);
}

async function runOnce(
  program: string,
  cloud: ApiCloud,
  who: CloudName | NodeJS.ProcessEnv,
  words: readonly string[],
): Promise<Ending> {
  const env = { ...(typeof who === 'string' ? cloud.environment(who) : who), HOME: cloud.directory };
  try {
    return { code: 0, ...(await run(program, words, { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ending;
    return { code, stdout, stderr };
  }
}
