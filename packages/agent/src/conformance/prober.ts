import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestHost } from '../../../../test/test-host.ts';

const PROGRAM = fileURLToPath(new URL('prober.py', import.meta.url));

/** How a client tries to reach something. */
export type Means = 'tcp' | 'udp' | 'sctp' | 'dccp' | 'ping';

/** One attempt to reach something. */
export interface Attempt {
  /** Port; of none with `ping`. */
  readonly port?: number;
  /** Octets of text to send; an answer of equal length is told as `+SIZE`. */
  readonly size?: number;
  /** UDP: do not fragment. */
  readonly whole?: boolean;
  readonly ttl?: number;
  /** Own address to send from. */
  readonly source?: string;
  readonly sourcePort?: number;
  /** Seconds until it counts as `silent`; 4 unless given. */
  readonly timeout?: number;
}

/** What a server listens on. */
export interface Listening {
  readonly tcp?: readonly number[];
  readonly udp?: readonly number[];
  readonly sctp?: readonly number[];
  readonly dccp?: readonly number[];
}

/** Sends and answers packets in the namespaces of a test host; outcomes are described in prober.py. */
export class Prober {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(outcome: string): void; reject(error: Error): void }>();
  #last = 0;

  constructor(host: TestHost) {
    this.#process = host.spawn(['python3', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdin?.on('error', () => undefined);
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      const { id, outcome } = JSON.parse(line) as { id: number; outcome: string };
      this.#waiting.get(id)?.resolve(outcome);
      this.#waiting.delete(id);
    });
    this.#process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The prober ended'));
    });
  }

  /** Listens in a namespace; each port answers `ADDRESS:PORT sees PEER [text]`. */
  async serve(namespace: string, address: string, ports: Listening): Promise<void> {
    const outcome = await this.#ask({ do: 'serve', in: namespace, address, ...ports });
    if (outcome !== 'serving') throw new Error(`Nothing listens on ${address} in ${namespace}: ${outcome}`);
  }

  /** Tries to reach an address. */
  attempt(namespace: string, means: Means, to: string, options: Attempt = {}): Promise<string> {
    return this.#ask({ do: means, in: namespace, to, timeout: 4, ...options });
  }

  /** Opens a flow that keeps its ports, under a name; its outcome is the first answer. */
  open(
    name: string,
    namespace: string,
    protocol: 'tcp' | 'udp' | 'sctp',
    to: string,
    port: number,
    options: Attempt = {},
  ): Promise<string> {
    return this.#ask({ do: 'open', name, in: namespace, protocol, to, port, timeout: 2, ...options });
  }

  /** Asks once more on an open flow. `timeout` is in seconds. */
  say(name: string, text: string, timeout = 2): Promise<string> {
    return this.#ask({ do: 'say', in: 'client', name, text, timeout });
  }

  /** Asks on an open flow again and again; `stop` tells how that ended: `unbroken`, or what went wrong. */
  pump(name: string): { stop(): Promise<string> } {
    const ended = this.#ask({ do: 'pump', in: 'client', name, timeout: 2 });
    return {
      stop: async () => {
        await this.#ask({ do: 'stop', in: 'client', name });
        return ended;
      },
    };
  }

  #ask(request: Record<string, unknown>): Promise<string> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
