import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that answers each line of JSON with one, in order. */
export class LineProcess {
  readonly child: ChildProcess;
  readonly #waiting: PromiseWithResolvers<never>[] = [];

  /** Waits for the first line, which says that the process is ready. */
  static async over(child: ChildProcess, what: string): Promise<LineProcess> {
    const process = new LineProcess(child, what);
    const ready = Promise.withResolvers<never>();
    process.#waiting.push(ready);
    await ready.promise;
    return process;
  }

  private constructor(child: ChildProcess, what: string) {
    if (child.stdout === null || child.stderr === null) throw new Error('A process without pipes cannot be asked.');
    this.child = child;
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => said.push(line));
    createInterface(child.stdout).on('line', (line) => {
      const waiting = this.#waiting.shift();
      const { error, value } = JSON.parse(line) as { error?: string; value: never };
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${what}: ${error}`));
    });
    child.once('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) {
        reject(new Error(`${what} ended with ${code}: ${said.join('\n')}`));
      }
    });
  }

  ask<T>(question: unknown): Promise<T> {
    const waiting = Promise.withResolvers<never>();
    this.#waiting.push(waiting);
    this.child.stdin?.write(`${JSON.stringify(question)}\n`);
    return waiting.promise;
  }
}

/** The other side: says that it is ready, and answers questions on standard input one after the other. */
export async function answerLines(answer: (question: never) => unknown): Promise<void> {
  const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ value: 'ready' });
  for await (const line of createInterface(process.stdin)) {
    try {
      say({ value: (await answer(JSON.parse(line) as never)) ?? null });
    } catch (error) {
      say({ error: (error as Error).stack });
    }
  }
}
