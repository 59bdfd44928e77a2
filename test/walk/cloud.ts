import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Prober } from '@portward/agent/conformance/prober.ts';
import { readPlainYaml } from '@portward/cli/client/plain-yaml.ts';
import { tapDevice } from '@portward/model/device-names.ts';
import type { NatBackend } from '@portward/model/feed.ts';
import { eventually, type TestHost } from '../test-host.ts';

const PORTWARD = fileURLToPath(new URL('../../bin/portward', import.meta.url));
const CHECKED_AGENT = fileURLToPath(import.meta.resolve('@portward/agent/testing/checked-agent.ts'));
const HOST = 'testhost';

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Body = any;

export interface ApiAnswer {
  readonly status: number;
  readonly body: Body;
}

/** A controller, an agent that can be asked what of the kernel is wrong, and an API client, on one test host. */
export class WalkCloud {
  readonly host: TestHost;
  readonly prober: Prober;
  readonly #natBackend: NatBackend;
  readonly #dataDir: string;
  #http = new Agent({ keepAlive: true });
  #controller: ChildProcess | undefined;
  #agent: ChildProcess | undefined;
  #checks: ((differences: string[]) => void)[] = [];
  #token = '';
  /** What the agent complained of. */
  readonly said: string[] = [];
  readonly #taps = new Map<string, string>();

  static async start(host: TestHost, natBackend: NatBackend): Promise<WalkCloud> {
    const cloud = new WalkCloud(host, natBackend);
    await cloud.startController();
    cloud.startAgent();
    await eventually(async () => (await cloud.get('agents')).agents.length > 0, { what: 'the agent’s first report' });
    return cloud;
  }

  private constructor(host: TestHost, natBackend: NatBackend) {
    this.host = host;
    this.prober = new Prober(host);
    this.#natBackend = natBackend;
    this.#dataDir = join(host.directory, 'data');
  }

  async startController(): Promise<void> {
    this.#http.destroy();
    this.#http = new Agent({ keepAlive: true });
    this.#controller = this.host.spawn([PORTWARD, 'controller', '--data-dir', this.#dataDir, '--user', '0']);
    await listening(this.#controller);
    this.#token ||= await this.#signIn();
  }

  startAgent(): void {
    const config = {
      controller: `unix:${join(this.#dataDir, 'controller.sock')}`,
      credentials: join(this.#dataDir, 'agent.yaml'),
      host: HOST,
      bridge_mappings: ['public:br-ex', 'other:br-other'],
      nat_backend: this.#natBackend,
      state_dir: join(this.host.directory, 'agent'),
      machines: false,
      misses: 'refuse',
      audit_seconds: 2,
    };
    const agent = this.host.spawn([process.execPath, CHECKED_AGENT, JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#agent = agent;
    const checks: ((differences: string[]) => void)[] = [];
    this.#checks = checks;
    agent.stdin?.on('error', () => undefined);
    createInterface({ input: agent.stderr as NodeJS.ReadableStream }).on('line', (line) => this.said.push(line));
    createInterface({ input: agent.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      checks.shift()?.(JSON.parse(line).differences);
    });
    agent.once('exit', (code, signal) => {
      for (const resolve of checks.splice(0)) resolve([`the agent ended: ${code ?? signal}`]);
    });
  }

  /** Ends a part as the kernel would, without a word. */
  async kill(part: 'controller' | 'agent'): Promise<void> {
    const child = part === 'agent' ? this.#agent : this.#controller;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /**
   * Waits until the agent has reported that all is carried out that was committed by now; then what is wanted, worked
   * out anew, is what the kernel has, so that a second apply would write nothing.
   */
  async settle(): Promise<void> {
    const { settled } = await this.expect('GET', '/portward/v1/progress?wait=60');
    if (!settled) throw new Error(`The agent did not report in time: ${this.said.slice(-10).join('\n')}`);
    const differences = await this.check();
    if (differences.length > 0) throw new Error(`The kernel is not as it should be: ${differences.join('\n')}`);
  }

  /** What of the kernel is not as it should be. */
  check(): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    this.#checks.push(resolve);
    this.#agent?.stdin?.write('check\n');
    return promise;
  }

  /** Waits until what somebody broke is mended. */
  async mended(what: string): Promise<void> {
    const isRight = async () => {
      const differences = await this.check();
      if (differences.length > 0) throw new Error(differences.join('\n'));
      return true;
    };
    await eventually(isRight, { what: `${what} mended`, timeoutMs: 20_000 });
  }

  /** Makes a namespace whose eth0 is the other end of the tap of a VM's port; once it is there, gives it another port. */
  async plug(name: string, port: { id: string; mac_address: string }, addresses: readonly string[]): Promise<void> {
    const tap = tapDevice(port.id);
    const before = this.#taps.get(name);
    this.#taps.set(name, tap);
    if (before !== undefined) {
      await this.host.ip([`link set ${before} down`, `link set ${before} name ${tap}`, `link set ${tap} up`]);
    } else {
      await this.host.ip([
        `netns add ${name}`,
        `link add ${tap} type veth peer name eth0 address ${port.mac_address} netns ${name}`,
        `link set ${tap} up`,
      ]);
      const first = (address: string) => address.replace(/[^.:]+$/, '1');
      const lines = addresses.flatMap((address) => [
        `addr add ${address}${address.includes(':') ? '/64 nodad' : '/24'} dev eth0`,
        `route add default via ${first(address)}`,
      ]);
      await this.host.ip(['link set lo up', 'link set eth0 up', ...lines], name);
    }
    await eventually(async () => (await this.host.run(['ip', '-o', 'link', 'show', tap])).includes(' master '), {
      what: `${tap} on a bridge`,
    });
  }

  /** Creates an object and gives it. */
  async create(path: string, name: string, values: Body): Promise<Body> {
    return (await this.expect('POST', `/networking/v2.0/${path}`, { [name]: values }))[name];
  }

  get(path: string): Promise<Body> {
    return this.expect('GET', `/networking/v2.0/${path}`);
  }

  /** Sends a request that must be answered well. */
  async expect(method: string, path: string, body?: Body): Promise<Body> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async send(method: string, path: string, body?: Body): Promise<ApiAnswer> {
    const { status, content } = await this.#exchange(method, path, body);
    return { status, body: content === '' ? undefined : JSON.parse(content) };
  }

  async #exchange(method: string, path: string, body?: Body) {
    const outgoing = request({
      socketPath: join(this.#dataDir, 'controller.sock'),
      agent: this.#http,
      method,
      path,
      headers: {
        host: 'localhost',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.#token !== '' && { 'x-auth-token': this.#token }),
      },
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = await once(outgoing, 'response');
    return { status: answer.statusCode as number, headers: answer.headers, content: await text(answer) };
  }

  async #signIn(): Promise<string> {
    const { clouds } = readPlainYaml(readFileSync(join(this.#dataDir, 'clouds.yaml'), 'utf8')) as Body;
    const { username, password } = clouds['portward-admin'].auth;
    const { headers, content } = await this.#exchange('POST', '/identity/v3/auth/tokens', {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: username, domain: { id: 'default' }, password } },
        },
        scope: { project: { name: 'admin', domain: { id: 'default' } } },
      },
    });
    const token = headers['x-subject-token'];
    if (typeof token !== 'string') throw new Error(`no token: ${content}`);
    return token;
  }
}

/** Resolves when the controller listens; rejects with what it said when it ends instead. */
async function listening(controller: ChildProcess): Promise<void> {
  const said: string[] = [];
  controller.stdout?.resume();
  const lines = createInterface({ input: controller.stderr as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (said.length < 100) said.push(line);
      if (line.includes('"msg":"listening"')) resolve();
    });
    controller.once('exit', (code) => reject(new Error(`The controller ended with ${code}:\n${said.join('\n')}`)));
  });
}
