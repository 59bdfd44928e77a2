import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

/** Users of a controller that was started with `--demo`, by their names in its clouds.yaml. */
export type CloudName = 'portward-admin' | 'portward-demo';

/** A controller on a free port of the loopback address, started as an operator starts it, and no data plane. */
export class ApiCloud {
  /** Where the API is: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly directory: string;
  readonly #controller: ChildProcess;

  /**
   * Starts it with Neutron's own behaviour where Portward's default departs from it. Throws what the controller said
   * when it does not come up.
   */
  static async start(): Promise<ApiCloud> {
    const directory = mkdtempSync(join(tmpdir(), 'portward-api-'));
    const config = join(directory, 'portward.yaml');
    writeFileSync(config, 'networking:\n  floating_ip_delete: refuse\n');
    const controller = spawn(
      PORTWARD,
      [
        ...['controller', '--config', config, '--data-dir', join(directory, 'data'), '--listen', '127.0.0.1:0'],
        ...['--demo', '--user', String(process.getuid?.() ?? 0)],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    try {
      return new ApiCloud(await listening(controller), directory, controller);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(url: string, directory: string, controller: ChildProcess) {
    this.url = url;
    this.directory = directory;
    this.#controller = controller;
  }

  /** What a client is started with to be this user. */
  environment(cloud: CloudName): NodeJS.ProcessEnv {
    return {
      ...process.env,
      OS_CLIENT_CONFIG_FILE: join(this.directory, 'data', 'clouds.yaml'),
      OS_CLOUD: cloud,
    };
  }

  /** Says what the agent of a host says when it has started: from then on it carries routers, networks and servers. */
  async reportHost(host: string): Promise<void> {
    const credentials = readFileSync(join(this.directory, 'data', 'agent.yaml'), 'utf8');
    const response = await fetch(`${this.url}/portward/v1/agents/${host}/report`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${/^token: (\S+)$/m.exec(credentials)?.[1]}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        started_at: new Date().toISOString(),
        applied_seq: 0,
        configurations: { nat_backend: 'nftables', bridge_mappings: { public: 'br-ex' }, machines: true },
        statuses: [],
      }),
    });
    if (response.status !== 204)
      throw new Error(`The report was answered ${response.status}: ${await response.text()}`);
  }

  async stop(): Promise<void> {
    if (this.#controller.exitCode === null && this.#controller.signalCode === null) {
      const ended = once(this.#controller, 'exit');
      this.#controller.kill('SIGTERM');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs `use` with a cloud that is gone afterwards. */
export async function withApiCloud(use: (cloud: ApiCloud) => Promise<void>): Promise<void> {
  const cloud = await ApiCloud.start();
  try {
    await use(cloud);
  } finally {
    await cloud.stop();
  }
}

/** The URL in the line that a controller logs once it listens and its first users count. */
async function listening(controller: ChildProcess): Promise<string> {
  const said: string[] = [];
  const { stderr } = controller;
  if (stderr === null) throw new Error('The controller has no log.');
  const lines = createInterface(stderr);
  return new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      if (said.length < 200) said.push(line);
      if (line.includes('"msg":"listening"')) resolve(JSON.parse(line).url);
    });
    controller.once('error', reject);
    controller.once('exit', (code) => reject(new Error(`The controller ended with ${code}:\n${said.join('\n')}`)));
  });
}
