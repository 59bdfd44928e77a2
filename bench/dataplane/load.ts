import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestHost } from '../../test/test-host.ts';

/** What a slice measures: see load.c. */
export type Kind = 'tcp' | 'udp' | 'scan';

/** A way that load takes: the namespaces it passes, and what it aims at. */
export interface Path {
  readonly label: string;
  readonly client: string;
  readonly router: string;
  readonly vm: string;
  readonly clientMac: string;
  readonly routerMac: string;
  readonly firstAddress: string;
  readonly forwardings: number;
}

/** What came of a slice. Times in seconds. */
export interface Slice {
  readonly sent: number;
  readonly done: number;
  readonly cpu: number;
  readonly wall: number;
}

/** Compiles the generator into a directory, and gives the program's path. */
export function compileLoad(directory: string): string {
  const program = `${directory}/load`;
  const source = fileURLToPath(new URL('load.c', import.meta.url));
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (error) throw new Error(`No C compiler (${error.message}): install gcc (Debian: apt-get install gcc libc6-dev).`);
  if (status !== 0) throw new Error(`load.c cannot be compiled; is libc6-dev installed?\n${stderr}`);
  return program;
}

/** The generator of a host. */
export class Load {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('no output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(host: TestHost, program: string, cpu: number, paths: readonly Path[]): Promise<Load> {
    const words = paths.flatMap((path) => [
      path.label,
      path.client,
      path.router,
      path.vm,
      path.clientMac,
      path.routerMac,
      path.firstAddress,
      String(path.forwardings),
    ]);
    const load = new Load(host.spawn([program, String(cpu), ...words], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await load.#answer();
    return load;
  }

  async slice(kind: Kind, label: string, ms: number): Promise<Slice> {
    this.#child.stdin?.write(`${kind} ${label} ${ms}\n`);
    return (await this.#answer()) as Slice;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the load generator ended');
    return JSON.parse(value);
  }
}
