import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox, type SandboxRunOptions, type SandboxSpawnOptions } from '@portward/cli/sandbox.ts';

/** What became of an attempt to reach a port. `timeout`: nothing came back at all. */
export type ProbeOutcome = 'connected' | 'refused' | 'timeout' | 'unreachable';

export interface ProbeResult {
  outcome: ProbeOutcome;
  /** First bytes that the other side sent; empty when it sent none within `timeoutMs`. */
  data: string;
}

export interface ProbeOptions {
  /** `tcp` unless given. With `udp`, `connected` means that an answer came. */
  protocol?: 'tcp' | 'udp';
  /** Text to send; nothing for TCP, a line for UDP unless given. */
  send?: string;
  /** Milliseconds to wait for the connection and for the first bytes; 2,000 unless given. */
  timeoutMs?: number;
  /** Own address to connect from. */
  from?: string;
}

/** Runs in a client's namespace: connects, sends, prints a ProbeResult. */
const PROBE = `
const [host, port, protocol, send, timeout, from] = process.argv.slice(1);
let data = '';
const end = (outcome) => { process.stdout.write(JSON.stringify({ outcome, data })); process.exit(); };
const fail = (error) => end(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused'
  : error.code === 'ETIMEDOUT' ? 'timeout' : 'unreachable');
if (protocol === 'udp') {
  const socket = require('dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
  setTimeout(() => end('timeout'), +timeout);
  socket.on('error', fail);
  socket.on('message', (message) => { data = message.toString(); end('connected'); });
  const go = () => socket.connect(+port, host, () => socket.send(send || 'probe\\n'));
  if (from) socket.bind(0, from, go); else go();
} else {
  const socket = require('net').connect({ host, port: +port, ...(from ? { localAddress: from } : {}) });
  const timer = setTimeout(() => end('timeout'), +timeout);
  socket.on('error', fail);
  socket.on('connect', () => {
    clearTimeout(timer);
    setTimeout(() => end('connected'), +timeout);
    if (send) socket.write(send);
  });
  socket.on('data', (chunk) => { data += chunk; end('connected'); });
  socket.on('end', () => end('connected'));
}`;

/** Answers each TCP connection, and each line or datagram, with who asks and what was asked. */
const SERVE = `
const [protocol, address, ...ports] = process.argv.slice(1);
let waiting = ports.length;
const ready = () => --waiting === 0 && console.log('ready');
for (const port of ports) {
  const tell = (peer, text) => address + ':' + port + ' sees ' + peer + (text ? ' ' + text.trim() : '') + '\\n';
  if (protocol === 'udp') {
    const socket = require('dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (text, peer) => socket.send(tell(peer.address, String(text)), peer.port, peer.address));
    socket.bind(+port, address, ready);
  } else {
    require('net').createServer((socket) => {
      socket.on('error', () => {});
      socket.write(tell(socket.remoteAddress));
      socket.on('data', (text) => socket.write(tell(socket.remoteAddress, String(text))));
    }).listen(+port, address, ready);
  }
}`;

/** Copies its input to a TCP connection and back; ends with the connection. */
const CONNECT = `
const [host, port] = process.argv.slice(1);
const socket = require('net').connect({ host, port: +port });
socket.on('error', (error) => { process.stderr.write(error.message); process.exit(1); });
process.stdin.pipe(socket).pipe(process.stdout);`;

/** A connection that a test keeps open. */
export class OpenConnection {
  readonly #process: ChildProcess;
  #unread = '';
  #ended = false;
  #wake = (): void => undefined;

  constructor(process: ChildProcess) {
    this.#process = process;
    process.stdin?.on('error', () => undefined);
    process.stdout?.on('data', (chunk: Buffer) => {
      this.#unread += chunk.toString();
      this.#wake();
    });
    process.once('exit', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Sends a line. */
  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** The next line received. Throws when the connection ends or stays silent for `timeoutMs`. */
  async read(timeoutMs = 5000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const end = this.#unread.indexOf('\n');
      if (end >= 0) {
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 1);
        return line;
      }
      if (this.#ended) throw new Error('The connection ended');
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`The connection was silent for ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}

/** A Linux host for one test: a sandbox, a directory, and what tests do there again and again. */
export class TestHost {
  readonly sandbox: Sandbox;
  /** Directory for this test's files, gone with the host. */
  readonly directory: string;

  constructor(sandbox: Sandbox, directory: string) {
    this.sandbox = sandbox;
    this.directory = directory;
  }

  /** argv that runs a command in a namespace under /run/netns of the host, or in the host's own. */
  inside(argv: readonly string[], namespace?: string): string[] {
    return namespace === undefined ? [...argv] : ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];
  }

  /** Runs a command to its end and gives its output. Throws an Error with what it complained of when it fails. */
  async run(argv: readonly string[], options: SandboxRunOptions & { namespace?: string } = {}): Promise<string> {
    const { namespace, ...rest } = options;
    const { stdout, stderr, code } = await this.sandbox.run(this.inside(argv, namespace), rest);
    if (code !== 0) throw new Error(`'${argv.join(' ')}' failed with ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Starts a command; it ends with the host at the latest. */
  spawn(argv: readonly string[], options: SandboxSpawnOptions & { namespace?: string } = {}): ChildProcess {
    const { namespace, ...rest } = options;
    const child = this.sandbox.spawn(this.inside(argv, namespace), rest);
    return child;
  }

  /** Runs lines of `ip -batch`. */
  async ip(lines: readonly string[], namespace?: string): Promise<void> {
    await this.run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n`, ...(namespace ? { namespace } : {}) });
  }

  /**
   * Runs the body of an async function in a process of its own in the host, with `input` as its parameter, and gives
   * what it returns. Both are carried as JSON. Imports are by URL: `import.meta.resolve('./file.ts')`.
   */
  async evaluate<T = void>(body: string, input: unknown = null): Promise<T> {
    const program = `const input = JSON.parse(process.argv[1]);
      const output = await (async () => { ${body} })();
      process.stdout.write(JSON.stringify(output ?? null));`;
    const argv = [process.execPath, '--input-type=module', '-e', program, JSON.stringify(input)];
    return JSON.parse(await this.run(argv)) as T;
  }

  async addBridge(name: string): Promise<void> {
    await this.ip([`link add ${name} type bridge`, `link set ${name} up`]);
  }

  /**
   * Makes a namespace `name` (at most 13 characters) whose eth0 is on the bridge, with an address and, where given, a
   * default route.
   */
  async addClient(bridge: string, name: string, addressAndPrefix: string, gateway?: string): Promise<void> {
    await this.ip([
      `netns add ${name}`,
      `link add c-${name} type veth peer name eth0 netns ${name}`,
      `link set c-${name} master ${bridge} up`,
    ]);
    await this.ip(
      [
        'link set lo up',
        'link set eth0 up',
        `addr add ${addressAndPrefix} dev eth0${addressAndPrefix.includes(':') ? ' nodad' : ''}`,
        ...(gateway === undefined ? [] : [`route add default via ${gateway}`]),
      ],
      name,
    );
  }

  /** Tries to reach a port from a namespace of the host. */
  async probe(namespace: string, host: string, port: number, options: ProbeOptions = {}): Promise<ProbeResult> {
    const { protocol = 'tcp', send = '', timeoutMs = 2000, from = '' } = options;
    const parameters = [host, String(port), protocol, send, String(timeoutMs), from];
    return JSON.parse(await this.run([process.execPath, '-e', PROBE, ...parameters], { namespace })) as ProbeResult;
  }

  /** Opens a TCP connection from a namespace, or from the host's own, and keeps it. */
  connect(namespace: string | undefined, host: string, port: number): OpenConnection {
    return new OpenConnection(
      this.spawn([process.execPath, '-e', CONNECT, host, String(port)], namespace === undefined ? {} : { namespace }),
    );
  }

  /**
   * Listens in a namespace. Every TCP connection, and every line or datagram, is answered with
   * `ADDRESS:PORT sees PEER [text]`.
   */
  async serve(
    namespace: string,
    address: string,
    ports: readonly number[],
    protocol: 'tcp' | 'udp' = 'tcp',
  ): Promise<ChildProcess> {
    const argv = [process.execPath, '-e', SERVE, protocol, address, ...ports.map(String)];
    const server = this.spawn(argv, { namespace, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      server.stdout?.once('data', () => resolve());
      server.once('exit', (code) => reject(new Error(`Nothing listens on ${address} in ${namespace}: exit ${code}`)));
    });
    return server;
  }
}

/** Gives a host to `use` and takes it down, whatever comes of it. */
export async function withHost<T>(use: (host: TestHost) => Promise<T>, name = 'testhost'): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'portward-test-'));
  try {
    await using sandbox = await Sandbox.start({ name });
    return await use(new TestHost(sandbox, directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface EventuallyOptions {
  /** What is waited for, for the message. */
  what?: string;
  /** Milliseconds until it fails; 10,000 unless given. */
  timeoutMs?: number;
  /** Milliseconds between two looks; 25 unless given. */
  intervalMs?: number;
}

type Falsy = false | null | undefined | 0 | '';

/**
 * Looks again and again until `look` gives something truthy without throwing, and gives that. Throws with the last
 * reason when the time is up.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, Falsy>> {
  const { what = 'what was awaited', timeoutMs = 10_000, intervalMs = 25 } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let reason: unknown = 'it never held';
    try {
      const found = await look();
      if (found) return found as Exclude<T, Falsy>;
    } catch (error) {
      reason = error instanceof Error ? error.message : error;
    }
    if (Date.now() >= deadline) throw new Error(`Not after ${timeoutMs} ms: ${what} (${reason})`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
