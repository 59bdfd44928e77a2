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
  readonly #child: ChildProcess;
  readonly #folder: string;

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
      const child = spawn(
        join(bin, 'postgres'),
        ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
      );
      await ready(child);
      return new PostgresqlServer(child, folder);
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** Address of one of its databases. */
  url(database = 'postgres'): string {
    return databaseUrl(this.#folder, database);
  }

  /** Ends the server as if its machine had failed, then starts it no more. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    // An immediate shutdown: connections of tests that failed shall not keep it.
    this.#child.kill('SIGQUIT');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** Address of a database of the server whose socket is in the folder. */
export const databaseUrl = (folder: string, database: string): string =>
  `postgres://${SUPERUSER}@/${database}?host=${encodeURIComponent(folder)}`;

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
