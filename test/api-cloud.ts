import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newDatabase } from '@portward/controller/store/test-store.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

/** Users of a controller that was started with `--demo`, by their names in its clouds.yaml. */
export type CloudName = 'portward-admin' | 'portward-demo';

/** What a controller is started with. */
export interface ApiCloudOptions {
  /** Its store as the configuration names it; unset: that which the run of tests is about. */
  readonly store?: string;
}

/** A controller on a free port of the loopback address, started as an operator starts it, and no data plane. */
export class ApiCloud {
  /** Where the API is: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly directory: string;
  readonly #controller: ChildProcess;
  readonly #database: { drop(): Promise<void> } | undefined;

  /**
   * Starts it with Neutron's own behaviour where Portward's default departs from it. Throws what the controller said
   * when it does not come up.
   */
  static async start(options: ApiCloudOptions = {}): Promise<ApiCloud> {
    const directory = mkdtempSync(join(tmpdir(), 'portward-api-'));
    const config = join(directory, 'portward.yaml');
    const server = process.env.PORTWARD_TEST_POSTGRESQL;
    const database = options.store === undefined && server !== undefined ? await newDatabase(server) : undefined;
    const store = options.store ?? database?.url ?? 'sqlite';
    writeFileSync(config, `store: ${JSON.stringify(store)}\nnetworking:\n  floating_ip_delete: refuse\n`);
    const controller = spawn(
      PORTWARD,
      [
        ...['controller', '--config', config, '--data-dir', join(directory, 'data'), '--listen', '127.0.0.1:0'],
        ...['--demo', '--user', String(process.getuid?.() ?? 0)],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    try {
      return new ApiCloud(await listening(controller), directory, controller, database);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(
    url: string,
    directory: string,
    controller: ChildProcess,
    database: { drop(): Promise<void> } | undefined,
  ) {
    this.url = url;
    this.#database = database;
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

  /** The password that the controller wrote for one of its first users; undefined: another controller made them. */
  passwordOf(user: string): string | undefined {
    const path = join(this.directory, 'data', 'clouds.yaml');
    const clouds = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return new RegExp(`username: "${user}"\n +password: "([^"]+)"`).exec(clouds)?.[1];
  }

  /** Ends the controller: as an operator does, or with SIGKILL as a failure would. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#controller.exitCode !== null || this.#controller.signalCode !== null) return;
    const ended = once(this.#controller, 'exit');
    this.#controller.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    await this.#database?.drop();
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
