import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readPlainYaml } from '@portward/cli/client/plain-yaml.ts';
import { loadFeedObjects } from '@portward/controller/feed/feed.ts';
import { addForwardings, removeAdded } from '@portward/controller/networking/forwarding-population.ts';
import { SqliteStore } from '@portward/controller/store/sqlite-store.ts';
import { gatewayNamespace, tapDevice } from '@portward/model/device-names.ts';
import { eventually, type TestHost } from '@portward/test/test-host.ts';
import { Connection } from '../api/connection.ts';
import { startEcho } from './processes.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Body = any;

const PORTWARD = fileURLToPath(new URL('../../bin/portward', import.meta.url));
const HOST = 'benchhost';
const VM_ADDRESS = '192.168.2.79';
/**
 * Where the VM answers: an internal port serves one forwarding of a protocol, whatever the floating IP. The others of
 * the crowded floating IP lead to the ports after its first one.
 */
const CROWDED_PORT = 22;
const MEASURED_PORT = 64_000;
/** The forwarding that everything else is measured beside has this external port. */
const FIRST_PORT = 1024;

interface FloatingIp {
  readonly id: string;
  readonly address: string;
}

/** A controller and an agent as an operator starts them, and a cloud of one router and one VM on a host of its own. */
export class ConvergenceCloud {
  readonly host: TestHost;
  readonly socket: string;
  readonly #dataDir: string;
  readonly #log: string[] = [];
  #controller: ChildProcess | undefined;
  #agent: ChildProcess | undefined;
  #api!: Connection;
  token = '';
  /** Namespace whose rules translate. */
  namespace = '';
  /** Of the VM. */
  portId = '';
  /** A floating IP on which forwardings are made and deleted; one of UDP stays, so that its address does. */
  measured!: FloatingIp;
  /** One that has no forwarding: its address comes with the first and goes with the last. */
  empty!: FloatingIp;
  /** The floating IP of all others: its first forwarding is the only one at the beginning. */
  crowded!: FloatingIp & { readonly forwardingId: string };
  /** Forwardings made through the API, and all. */
  #made = 0;
  #forwardings = 0;

  static async build(host: TestHost): Promise<ConvergenceCloud> {
    const cloud = new ConvergenceCloud(host);
    await host.addBridge('br-ex');
    await host.addClient('br-ex', 'client', '10.11.0.2/16');
    await cloud.startController();
    await cloud.startAgent();
    await cloud.#make();
    return cloud;
  }

  private constructor(host: TestHost) {
    this.host = host;
    this.#dataDir = join(host.directory, 'data');
    this.socket = join(this.#dataDir, 'controller.sock');
  }

  /** Number of forwardings of the router. */
  get forwardings(): number {
    return this.#forwardings;
  }

  /** Seconds of processor time of the agent so far: its own, and the kernel's on its behalf. */
  agentCpu(): { user: number; system: number } {
    const outer = this.#agent?.pid;
    const pid = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim();
    // proc(5): after the command in parentheses, utime and stime are fields 12 and 13, in hundredths of a second.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return { user: Number(fields[11]) / 100, system: Number(fields[12]) / 100 };
  }

  /** Holds the agent still, or lets it go on. */
  pauseAgent(): void {
    this.#agent?.kill('SIGSTOP');
  }

  resumeAgent(): void {
    this.#agent?.kill('SIGCONT');
  }

  async startController(): Promise<void> {
    this.#controller = this.#spawn([
      'controller',
      '--data-dir',
      this.#dataDir,
      '--user',
      '0',
      '--listen',
      '127.0.0.1:0',
    ]);
    await this.#said(this.#controller, 'listening');
    this.token = await this.#signIn();
    this.#api = await Connection.open(this.socket, this.token);
  }

  /** Starts the agent; answers the milliseconds until its first report, which says that the kernel is as it should be. */
  async startAgent(): Promise<number> {
    // Agents tell the second of their start: it must be another one than that of the agent before.
    await pause(1010 - (Date.now() % 1000));
    const second = Math.floor(Date.now() / 1000) * 1000;
    const start = performance.now();
    this.#agent = this.#spawn([
      ...['agent', '--controller', `unix:${this.socket}`, '--credentials', join(this.#dataDir, 'agent.yaml')],
      ...['--host', HOST, '--bridge-mapping', 'public:br-ex', '--state-dir', join(this.host.directory, 'agent')],
    ]);
    const child = this.#agent;
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent ended: ${this.#log.join('\n')}`);
        const { agents } = await this.#expect('GET', `/networking/v2.0/agents?host=${HOST}`);
        return agents.some(({ started_at: at }: Body) => Date.parse(`${at.replace(' ', 'T')}Z`) >= second);
      },
      { what: 'the agent’s report', timeoutMs: 60_000, intervalMs: 5 },
    );
    return performance.now() - start;
  }

  async stopController(): Promise<void> {
    this.#api.close();
    await this.#end(this.#controller, 'SIGTERM');
  }

  async killAgent(): Promise<void> {
    await this.#end(this.#agent, 'SIGKILL');
  }

  /** Brings the number of forwardings to `count`. They are written past the API, which would take a minute over them. */
  async populate(count: number): Promise<void> {
    await this.killAgent();
    await this.stopController();
    const store = await SqliteStore.open(join(this.#dataDir, 'portward.db'), loadFeedObjects);
    const templateId = this.crowded.forwardingId;
    await removeAdded(store, templateId);
    await addForwardings(store, [{ templateId, count: count - this.#made, firstNumber: 1 }]);
    await store.close();
    this.#forwardings = count;
    await this.startController();
    await this.startAgent();
  }

  async #make(): Promise<void> {
    const network = await this.#create('networks', 'network', {
      'router:external': true,
      'provider:network_type': 'flat',
      'provider:physical_network': 'public',
    });
    await this.#create('subnets', 'subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.11.0.0/16',
      enable_dhcp: false,
      allocation_pools: [{ start: '10.11.7.1', end: '10.11.7.250' }],
    });
    const own = await this.#create('networks', 'network', {});
    const subnet = await this.#create('subnets', 'subnet', {
      network_id: own.id,
      ip_version: 4,
      cidr: '192.168.2.0/24',
    });
    const router = await this.#create('routers', 'router', { external_gateway_info: { network_id: network.id } });
    this.namespace = gatewayNamespace(router);
    await this.#expect('PUT', `/networking/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
    const port = await this.#create('ports', 'port', {
      network_id: own.id,
      fixed_ips: [{ ip_address: VM_ADDRESS }],
      'binding:host_id': HOST,
    });
    this.portId = port.id;
    for (const protocol of ['tcp', 'udp']) {
      await this.#create('security-group-rules', 'security_group_rule', {
        security_group_id: port.security_groups[0],
        direction: 'ingress',
        protocol,
      });
    }
    await this.#addVm(port);
    const floatingIp = async (): Promise<FloatingIp> => {
      const made = await this.#create('floatingips', 'floatingip', { floating_network_id: network.id });
      return { id: made.id, address: made.floating_ip_address };
    };
    const forward = async ({ id }: FloatingIp, protocol: 'tcp' | 'udp', internalPort: number): Promise<string> => {
      const values = { ...this.forwarding(FIRST_PORT), protocol, internal_port: internalPort };
      this.#made += 1;
      this.#forwardings = this.#made;
      return (await this.#create(`floatingips/${id}/port_forwardings`, 'port_forwarding', values)).id;
    };
    this.empty = await floatingIp();
    this.measured = await floatingIp();
    await forward(this.measured, 'udp', MEASURED_PORT);
    const crowded = await floatingIp();
    this.crowded = { ...crowded, forwardingId: await forward(crowded, 'tcp', CROWDED_PORT) };
    // The flow of datagrams that is watched goes through this one.
    await forward(crowded, 'udp', CROWDED_PORT);
    await eventually(
      async () => (await this.host.probe('client', crowded.address, FIRST_PORT)).outcome === 'connected',
      { what: 'the first connection', timeoutMs: 30_000 },
    );
  }

  /** Port of `crowded` that leads to the VM. */
  get crowdedPort(): number {
    return FIRST_PORT;
  }

  /** Body of a forwarding that leads to the VM. */
  forwarding(externalPort: number): Body {
    return {
      protocol: 'tcp',
      external_port: externalPort,
      internal_port: MEASURED_PORT,
      internal_port_id: this.portId,
      internal_ip_address: VM_ADDRESS,
    };
  }

  /** The same as an element of the agent's map: key and value. */
  element(externalPort: number): [string, string] {
    return [`${this.measured.address} . tcp . ${externalPort}`, `${VM_ADDRESS} . ${MEASURED_PORT}`];
  }

  async #addVm(port: Body): Promise<void> {
    const tap = tapDevice(port.id);
    await this.host.ip(['netns add vm', `link add ${tap} type veth peer name eth0 netns vm`, `link set ${tap} up`]);
    await this.host.ip(
      [
        'link set lo up',
        `link set eth0 address ${port.mac_address} up`,
        `addr add ${VM_ADDRESS}/24 dev eth0`,
        'route add default via 192.168.2.1',
      ],
      'vm',
    );
    await startEcho(this, VM_ADDRESS, [CROWDED_PORT, MEASURED_PORT]);
  }

  async #create(path: string, name: string, values: Body): Promise<Body> {
    return (await this.#expect('POST', `/networking/v2.0/${path}`, { [name]: values }))[name];
  }

  async #expect(method: string, path: string, body?: Body): Promise<Body> {
    if (!this.#api.isOpen) this.#api = await Connection.open(this.socket, this.token);
    const answer = await this.#api.send(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body === '' ? undefined : JSON.parse(answer.body);
  }

  async #signIn(): Promise<string> {
    const { clouds } = readPlainYaml(readFileSync(join(this.#dataDir, 'clouds.yaml'), 'utf8')) as Body;
    const { username, password } = clouds['portward-admin'].auth;
    const outgoing = request({
      socketPath: this.socket,
      method: 'POST',
      path: '/identity/v3/auth/tokens',
      headers: { 'content-type': 'application/json', host: 'localhost' },
    });
    outgoing.end(
      JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: username, domain: { id: 'default' }, password } },
          },
          scope: { project: { name: 'admin', domain: { id: 'default' } } },
        },
      }),
    );
    const [answer] = await once(outgoing, 'response');
    const said = await json(answer);
    const token = answer.headers['x-subject-token'];
    if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(said)}`);
    return token;
  }

  #spawn(argv: readonly string[]): ChildProcess {
    const child = this.host.spawn([PORTWARD, ...argv]);
    child.stdout?.resume();
    if (child.stderr) {
      createInterface(child.stderr).on('line', (line) => {
        this.#log.push(line);
        if (this.#log.length > 50) this.#log.shift();
      });
    }
    return child;
  }

  /** Resolves when a part's log has a line with this message. */
  async #said(child: ChildProcess, message: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stderr as NonNullable<typeof child.stderr>).on('line', (line) => {
        if (line.includes(`"msg":"${message}"`)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`a part ended with ${code}: ${this.#log.join('\n')}`)));
    });
  }

  async #end(child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
