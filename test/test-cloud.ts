import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually, type TestHost } from './test-host.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

/** Programs that speak the openstack grammar. */
export type Client = 'openstack' | 'portward';

/** A controller and an agent in a test host, started as an operator starts them, and clients to use them. */
export class TestCloud {
  readonly host: TestHost;
  readonly natBackend: 'nftables' | 'iptables';
  readonly dataDir: string;
  #controller: ChildProcess | undefined;
  #agent: ChildProcess | undefined;

  /** Starts both and awaits the agent's first report. The external bridge is `br-ex`. */
  static async start(host: TestHost, natBackend: 'nftables' | 'iptables'): Promise<TestCloud> {
    const cloud = new TestCloud(host, natBackend);
    await host.addBridge('br-ex');
    await cloud.startController();
    await cloud.startAgent();
    return cloud;
  }

  private constructor(host: TestHost, natBackend: 'nftables' | 'iptables') {
    this.host = host;
    this.natBackend = natBackend;
    this.dataDir = join(host.directory, 'data');
  }

  get socket(): string {
    return join(this.dataDir, 'controller.sock');
  }

  async startController(): Promise<void> {
    this.#controller = this.host.spawn([PORTWARD, 'controller', '--data-dir', this.dataDir, '--demo', '--user', '0']);
    await logged(this.#controller, 'listening');
  }

  /** Starts the agent and awaits its first report, which it sends once the kernel is as it should be. */
  async startAgent(...more: string[]): Promise<void> {
    const startedBefore = await this.#agentsStart();
    this.#agent = this.host.spawn([
      ...[PORTWARD, 'agent', '--controller', `unix:${this.socket}`, '--credentials', join(this.dataDir, 'agent.yaml')],
      ...[
        '--host',
        'testhost',
        '--bridge-mapping',
        'public:br-ex',
        '--nat-backend',
        this.natBackend,
        '--machines',
        ...more,
      ],
    ]);
    const child = this.#agent;
    child.stdout?.resume();
    const said: string[] = [];
    if (child.stderr) createInterface(child.stderr).on('line', (line) => said.push(line));
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}: ${said.join('\n')}`);
        const startedNow = await this.#agentsStart();
        return startedNow !== undefined && startedNow !== startedBefore;
      },
      { what: 'the agent’s report', timeoutMs: 30_000, intervalMs: 100 },
    );
  }

  /** When the agent that reported last was started. */
  async #agentsStart(): Promise<string | undefined> {
    const [agent] = await this.json('network', 'agent', 'list');
    return agent === undefined
      ? undefined
      : JSON.parse(await this.run('openstack', ['network', 'agent', 'show', agent.ID, '-f', 'json'])).started_at;
  }

  /** Kills a part without a word, as kill -9 does, and awaits its end. */
  async kill(part: 'controller' | 'agent'): Promise<void> {
    const child = part === 'agent' ? this.#agent : this.#controller;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Runs `portward agent --cleanup`, as an operator who takes a host out of service. */
  async cleanUpHost(): Promise<void> {
    await this.host.run([PORTWARD, 'agent', '--cleanup', '--bridge-mapping', 'public:br-ex'], { timeoutMs: 60_000 });
  }

  /** Runs a client command; throws what it said when it fails. */
  run(client: Client, words: readonly string[], cloud = 'portward-admin'): Promise<string> {
    const program = client === 'openstack' ? ['openstack'] : [PORTWARD];
    const env = { ...process.env, OS_CLIENT_CONFIG_FILE: join(this.dataDir, 'clouds.yaml'), OS_CLOUD: cloud };
    return this.host.run([...program, ...words], { env, timeoutMs: 60_000 });
  }

  /** The answer of our own client as JSON: for what a test needs to know, not what it tests. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  async json(...words: string[]): Promise<any> {
    return JSON.parse(await this.run('portward', [...words, '-f', 'json']));
  }
}

/** Resolves when a part's log has a line with this message; rejects with what it said when it ends instead. */
async function logged(child: ChildProcess, message: string): Promise<void> {
  const said: string[] = [];
  if (child.stderr === null) throw new Error('The part has no log.');
  child.stdout?.resume();
  const lines = createInterface(child.stderr);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (said.length > 200) said.shift();
      if (line.includes(`"msg":"${message}"`)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`The part ended with ${code}:\n${said.join('\n')}`)));
  });
}
