import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tapDevice } from '@portward/model/device-names.ts';
import type { AgentReport, FeedLine, FeedPut, Misses, NatBackend, StatusReport } from '@portward/model/feed.ts';
import { eventually, type TestHost } from '../../../../test/test-host.ts';
import { HOST_NAME, macOf, uuid } from './cloud.ts';

const SCRIPTED_AGENT = fileURLToPath(new URL('scripted-agent.ts', import.meta.url));

export interface AgentHostOptions {
  natBackend?: NatBackend;
  auditSeconds?: number;
  bridgeMappings?: string[];
  machines?: boolean;
  misses?: Misses;
  /** Whether each step is followed by a comparison of the kernel with what it should be; true unless given. */
  checks?: boolean;
  /** Milliseconds to wait until changes are applied; those of `eventually` unless given. */
  settleMs?: number;
}

interface LogEntry {
  level: number;
  msg: string;
  operations?: number;
  milliseconds?: number;
  /** Namespaces that were compared, or `everything`. */
  where?: string[] | string;
}

/** An agent in a test host, fed by the test. */
export class AgentHost {
  readonly host: TestHost;
  readonly #options: AgentHostOptions;
  #agent: ChildProcess | undefined;
  #reports: Interface | undefined;
  #seq = 0;
  #applied = 0;
  /** Who waits for the answers to checks, in order. */
  #checks: ((differences: string[]) => void)[] = [];
  /** Latest status of each object, by `kind:id`. */
  readonly statuses = new Map<string, StatusReport>();
  readonly reports: AgentReport[] = [];
  readonly log: LogEntry[] = [];

  constructor(host: TestHost, options: AgentHostOptions = {}) {
    this.host = host;
    this.#options = options;
  }

  /** Starts an agent and gives it a snapshot; waits until it says that all is applied. */
  async start(snapshot: readonly FeedPut[], options: AgentHostOptions = {}): Promise<void> {
    this.#applied = 0;
    const agent = this.host.spawn([process.execPath, SCRIPTED_AGENT, this.#config(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, AGENT_LOG: 'debug' },
    });
    this.#agent = agent;
    const checks: ((differences: string[]) => void)[] = [];
    this.#checks = checks;
    agent.once('exit', () => {
      for (const resolve of checks.splice(0)) resolve([]);
    });
    if (agent.stdout === null || agent.stderr === null) throw new Error('no output');
    createInterface({ input: agent.stderr }).on('line', (line) => this.#logged(line));
    this.#reports = createInterface({ input: agent.stdout }).on('line', (line) => {
      const report = JSON.parse(line) as AgentReport | { differences: string[] };
      if ('differences' in report) return checks.shift()?.(report.differences);
      this.#applied = report.applied_seq;
      this.reports.push(report);
      for (const status of report.statuses) this.statuses.set(`${status.kind}:${status.id}`, status);
    });
    this.#write([{ op: 'reset', seq: 0 }, ...snapshot]);
    await this.#settle([{ op: 'synced', seq: 0 }]);
    await this.check();
  }

  /** Sends changes and waits until they are applied. */
  async feed(...lines: (FeedLine | Omit<FeedPut, 'seq'>)[]): Promise<void> {
    await this.#settle(lines as FeedLine[]);
    await this.check();
  }

  /** Sends changes without waiting for anything. */
  send(...lines: FeedLine[]): void {
    this.#write(lines);
  }

  /**
   * Holds the agent against itself: what it wants is what it would want if it started now, and the kernel has just
   * that, so that a second apply would write nothing.
   */
  async check(): Promise<void> {
    const agent = this.#agent;
    if (this.#options.checks === false || agent === undefined || agent.exitCode !== null) return;
    const differences = await new Promise<string[]>((resolve) => {
      this.#checks.push(resolve);
      agent.stdin?.write('check\n');
    });
    assert.deepEqual(differences, [], 'the kernel is as it should be');
  }

  /** Ends the agent as the kernel would. */
  async kill(): Promise<void> {
    const agent = this.#agent;
    if (!agent) return;
    const ended = new Promise((resolve) => agent.once('exit', resolve));
    // The last line may be half a line.
    this.#reports?.close();
    agent.kill('SIGKILL');
    await ended;
    this.#agent = undefined;
  }

  /** Runs the agent's clean-up to its end. */
  async cleanUp(): Promise<void> {
    await this.host.run([process.execPath, SCRIPTED_AGENT, this.#config({}, true)]);
  }

  /** Makes a namespace `name` that plays the VM of a port: its eth0 is the other end of the port's tap. */
  async addVm(number: number, name: string, addressAndPrefix: string, gateway: string): Promise<void> {
    const tap = tapDevice(uuid(number));
    await this.host.ip([
      `netns add ${name}`,
      `link add ${tap} type veth peer name eth0 address ${macOf(number)} netns ${name}`,
    ]);
    await this.host.ip(
      [
        'link set lo up',
        'link set eth0 up',
        `addr add ${addressAndPrefix} dev eth0`,
        `route add default via ${gateway}`,
      ],
      name,
    );
  }

  /** Waits until the agent has plugged a VM's device in. */
  async plugged(number: number): Promise<void> {
    const tap = tapDevice(uuid(number));
    await eventually(async () => (await this.host.run(['ip', '-o', 'link', 'show', tap])).includes('master'), {
      what: `${tap} on a bridge`,
    });
  }

  status(kind: StatusReport['kind'], id: string): StatusReport | undefined {
    return this.statuses.get(`${kind}:${id}`);
  }

  #logged(line: string): void {
    const entry = line.startsWith('{') ? (JSON.parse(line) as LogEntry) : { level: 50, msg: line };
    this.log.push(entry);
    if (process.env.AGENT_LOG) process.stderr.write(`${line}\n`);
  }

  /** Complaints of the agent so far. */
  complaints(): string[] {
    return this.log.filter(({ level }) => level > 30).map((entry) => JSON.stringify(entry));
  }

  /** Number of things that the agent changed in the kernel so far. */
  operations(): number {
    return this.log.reduce((sum, { msg, operations }) => sum + (msg === 'applied' ? (operations ?? 0) : 0), 0);
  }

  async #settle(lines: readonly FeedLine[]): Promise<void> {
    this.#write(lines);
    const seq = this.#seq;
    const { settleMs } = this.#options;
    await eventually(() => this.#applied >= seq, {
      what: `change ${seq} applied`,
      intervalMs: 2,
      ...(settleMs === undefined ? {} : { timeoutMs: settleMs }),
    }).catch((error) => {
      const log = this.log.slice(-10).map((entry) => JSON.stringify(entry));
      throw new Error(`${(error as Error).message}; the agent's last words:\n${log.join('\n')}`);
    });
  }

  #write(lines: readonly FeedLine[]): void {
    for (const line of lines) this.#agent?.stdin?.write(`${JSON.stringify({ ...line, seq: ++this.#seq })}\n`);
  }

  #config(options: AgentHostOptions, cleanUp = false): string {
    const {
      natBackend = 'nftables',
      auditSeconds = 60,
      bridgeMappings = ['public:br-ex'],
      machines = false,
      misses = 'refuse',
    } = {
      ...this.#options,
      ...options,
    };
    return JSON.stringify({
      host: HOST_NAME,
      bridge_mappings: bridgeMappings,
      nat_backend: natBackend,
      state_dir: `${this.host.directory}/agent`,
      machines,
      misses,
      audit_seconds: auditSeconds,
      cleanUp,
    });
  }
}
