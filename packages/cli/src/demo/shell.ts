import { join } from 'node:path';
import { runClient } from '../client/run.ts';
import type { Sandbox, SandboxResult } from '../sandbox.ts';
import type { System } from '../up.ts';
import type { Narrator } from './narrator.ts';

/** Where the demo types its commands: portward's own, and those that run in namespaces of the sandbox. */
export class Shell {
  readonly system: System;
  readonly #narrator: Narrator;
  readonly #sandbox: Sandbox;
  readonly #stopped: AbortSignal;

  constructor(system: System, narrator: Narrator, stopped: AbortSignal) {
    if (system.sandbox === undefined) throw new Error('The demo needs its sandbox.');
    this.system = system;
    this.#sandbox = system.sandbox;
    this.#narrator = narrator;
    this.#stopped = stopped;
  }

  /** A portward command as the article has it, shown with what it prints. */
  async show(...words: string[]): Promise<string> {
    this.#narrator.command(`portward ${words.map(quoted).join(' ')}`);
    // Tables fit the terminal; what is typed is the article's.
    const width = process.stdout.isTTY ? ['--max-width', String(process.stdout.columns - 2)] : [];
    const text = await this.portward(...words, ...width);
    this.#narrator.output(text);
    return text;
  }

  /** A portward command without showing it; answers what it printed. Throws what it said on stderr. */
  async portward(...words: string[]): Promise<string> {
    let [out, error] = ['', ''];
    const code = await runClient(['--os-cloud', 'portward-admin', ...words], {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (error += text) },
      env: { OS_CLIENT_CONFIG_FILE: join(this.system.dataDir, 'clouds.yaml') },
      isTTY: false,
      columns: 0,
      cwd: this.system.dataDir,
    });
    if (code !== 0) throw new Error(`portward ${words.join(' ')}: ${error.trim()}`);
    return out;
  }

  /** A portward command's answer as JSON. */
  async json<T = Record<string, unknown>>(...words: string[]): Promise<T> {
    return JSON.parse(await this.portward(...words, '-f', 'json')) as T;
  }

  /** Runs a command in the sandbox itself: the host of agent, bridges and routers. */
  onHost(argv: string[], input = ''): Promise<SandboxResult> {
    return this.#sandbox.run(argv, { input });
  }

  /** Runs a command in a named network namespace of the sandbox. */
  inNamespace(name: string, argv: string[]): Promise<SandboxResult> {
    return this.onHost(['nsenter', `--net=/run/netns/${name}`, '--', ...argv]);
  }

  /** Awaits a condition, asked again every so often; throws after the deadline, or when the demo is stopped. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 30): Promise<T> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      this.#stopped.throwIfAborted();
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const quoted = (word: string): string => (/^[\w./:=@,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
