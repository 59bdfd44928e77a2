import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where Debian keeps the servers of its PostgreSQL versions. */
const VERSIONS = '/usr/lib/postgresql';
/** Superuser of a test's server; without a password, because only who may open its socket reaches it. */
const SUPERUSER = 'portward';

/** A PostgreSQL server of its own for tests and benchmarks: in a temporary folder, reached by a Unix socket only. */
export class PostgresqlServer {
  readonly #folder: string;
  readonly #spawn: () => ChildProcess;
  #child: ChildProcess | undefined;

  /** Makes and starts a server. `durable`: with fsync, for benchmarks; tests do without. */
  static async start({ durable = false }: { durable?: boolean } = {}): Promise<PostgresqlServer> {
    const version = readdirSync(VERSIONS)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a))[0];
    const bin = join(VERSIONS, version ?? '', 'bin');
    const folder = mkdtempSync(join(tmpdir(), 'portward-postgresql-'));
    // The server refuses to run as root.
    const user = process.getuid?.() === 0 ? unprivileged() : undefined;
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
    try {
      execFileSync(
        join(bin, 'initdb'),
        ['--pgdata', data, '--username', SUPERUSER, '--auth', 'trust', '--encoding', 'UTF8', '--no-sync'],
        { ...options, stdio: 'pipe' },
      );
      const settings = {
        listen_addresses: '',
        unix_socket_directories: folder,
        max_connections: '400',
        shared_buffers: '64MB',
        ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
      };
      const words = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
      const server = new PostgresqlServer(folder, () =>
        spawn(join(bin, 'postgres'), words, { ...options, stdio: ['ignore', 'ignore', 'pipe'] }),
      );
      await server.resume();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  private constructor(folder: string, spawnServer: () => ChildProcess) {
    this.#folder = folder;
    this.#spawn = spawnServer;
  }

  /** Address of one of its databases. */
  url(database = 'postgres'): string {
    return `postgres://${SUPERUSER}@/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  /** Ends the server's processes at once, connections and all, as a failure would; its data stay. */
  async fail(): Promise<void> {
    if (this.#child === undefined) return;
    const ended = once(this.#child, 'exit');
    // PostgreSQL's immediate shutdown.
    this.#child.kill('SIGQUIT');
    await ended;
    this.#child = undefined;
  }

  /** Starts the server, also after a failure; resolves when it takes connections. */
  async resume(): Promise<void> {
    this.#child = this.#spawn();
    await ready(this.#child);
  }

  /** Ends the server and removes its data. */
  async stop(): Promise<void> {
    await this.fail();
    rmSync(this.#folder, { recursive: true });
  }
}

/** The user that Debian's package made for the purpose. */
function unprivileged(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Resolves when the server says that it takes connections; rejects with what it said when it ends instead. */
async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr as NodeJS.ReadableStream).on('line', (line) => {
      if (said.length < 100) said.push(line);
      if (line.includes('database system is ready to accept connections')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${said.join('\n')}`)));
  });
}
