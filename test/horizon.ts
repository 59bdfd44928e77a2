import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVE = fileURLToPath(new URL('horizon/serve.py', import.meta.url));

/** A request that Horizon sent to an API. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Debian's Horizon as it is installed, serving on the loopback address. */
export class Horizon {
  readonly url: string;
  /** What Horizon asked of the APIs; complete once it is stopped. */
  readonly calls: ApiCall[] = [];
  /** What else it wrote into its log. */
  readonly log: string[] = [];
  readonly #process: ChildProcess;

  /** Starts a Horizon for the cloud whose Identity is at this URL. */
  static async start(authUrl: string): Promise<Horizon> {
    const child = spawn('/usr/bin/python3', ['-W', 'ignore', SERVE], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HORIZON_KEYSTONE_URL: authUrl,
        HORIZON_SECRET_KEY: randomBytes(32).toString('hex'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    const log: string[] = [];
    const lines = createInterface(child.stderr).on('line', (line) => log.push(line));
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once('line', resolve);
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`Horizon ended with ${code}:\n${log.join('\n')}`)));
    });
    lines.removeAllListeners('line');
    return new Horizon(url, child, lines, log);
  }

  private constructor(url: string, child: ChildProcess, lines: ReturnType<typeof createInterface>, log: string[]) {
    this.url = url;
    this.#process = child;
    this.log.push(...log);
    lines.on('line', (line) => {
      const [, method, path, status] = /connectionpool \S+ "(\S+) (\S+) \S+" (\d+)/.exec(line) ?? [];
      if (method !== undefined && path !== undefined) this.calls.push({ method, path, status: Number(status) });
      else if (!line.startsWith('DEBUG ')) this.log.push(line);
    });
  }

  /** Ends the process; its log is complete then. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGTERM');
    await closed;
  }
}
