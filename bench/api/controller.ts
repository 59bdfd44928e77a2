import { type ChildProcess, fork } from 'node:child_process';
import type { Calls } from './controller-process.ts';

type Argument<N extends keyof Calls> = Parameters<Calls[N]>[0];
type Value<N extends keyof Calls> = Awaited<ReturnType<Calls[N]>>;

/** A controller in a process of its own, on an empty store. */
export class BenchController {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>();
  #calls = 0;

  /** Starts one on the named store, and waits until it listens. */
  static async start(store: string): Promise<BenchController> {
    const controller = new BenchController(
      fork(new URL('./controller-process.ts', import.meta.url), [store], {
        execArgv: ['--disable-warning=ExperimentalWarning', ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [])],
      }),
    );
    const ready = Promise.withResolvers<never>();
    controller.#waiting.set(0, ready);
    await ready.promise;
    return controller;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, value, error }: { id: number; value: never; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    child.on('exit', (code) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the controller ended with ${code}`));
    });
  }

  call<N extends keyof Calls>(
    name: N,
    ...[argument]: Argument<N> extends undefined ? [] : [Argument<N>]
  ): Promise<Value<N>> {
    const id = ++this.#calls;
    const waiting = Promise.withResolvers<never>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, name, argument });
    return waiting.promise;
  }

  /** Ends it, and removes its store. */
  async stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.disconnect();
    await gone;
  }
}
