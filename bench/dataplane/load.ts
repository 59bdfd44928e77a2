import { type ChildProcess, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestHost } from '../../test/test-host.ts';

/** What a slice sends: new TCP connections, first datagrams of UDP flows, SYNs that miss. */
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

/** What came of a slice; load.c says what is counted. Times in seconds. */
export interface Slice {
  readonly sent: number;
  readonly arrived: number;
  readonly answered: number;
  /** Processor time of all that was done. */
  readonly cpu: number;
  readonly wall: number;
}

/** Compiles the generator into a directory, and gives the program's path. Throws an Error that says what is missing. */
export function compileLoad(directory: string): string {
  const program = `${directory}/load`;
  const source = fileURLToPath(new URL('load.c', import.meta.url));
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' });
  const packages = 'install a C compiler (Debian: apt-get install gcc libc6-dev)';
  if (error) throw new Error(`The load generator cannot be compiled (${error.message}): ${packages}.`);
  if (status !== 0) throw new Error(`The load generator cannot be compiled: ${packages}.\n${stderr}`);
  return program;
}

/** The generator of a host. It ends with the host. */
export class Load {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('no output');
    child.stdin?.on('error', () => undefined);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts one for the given ways, and waits until it is ready. */
  static async start(host: TestHost, program: string, paths: readonly Path[]): Promise<Load> {
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
    const load = new Load(host.spawn([program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await load.#answer();
    return load;
  }

  /** Sends for `ms` milliseconds, or until there is enough, on the way with this label. */
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
