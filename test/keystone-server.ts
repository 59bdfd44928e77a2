import { type ChildProcess, type ExecFileOptions, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';

/** Keystone's development server, of Debian's python3-keystone. */
const SERVER = '/usr/bin/keystone-wsgi-public';
/** Where the test is root, Keystone runs as nobody. */
const NOBODY = 65534;
const ADMIN_PASSWORD = 'keystone admin';

/** What came back of one request. */
export interface KeystoneAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

/** Who signs in, and for which project; without one, for none. Everything is in the domain Default. */
export interface SignIn {
  readonly user: string;
  readonly password: string;
  readonly project?: string | undefined;
}

/** The administrator that `keystone-manage bootstrap` makes. */
export const KEYSTONE_ADMIN: SignIn = { user: 'admin', password: ADMIN_PASSWORD, project: 'admin' };

/** Debian's Keystone in a temporary directory, on a free port of 127.0.0.1. */
export class KeystoneServer {
  readonly directory: string;
  #child: ChildProcess | undefined;
  #port = 0;
  #adminToken: string | undefined;

  /** Makes the database and the keys, starts the server, and makes the administrator and the identity endpoint. */
  static async start(): Promise<KeystoneServer> {
    const keystone = new KeystoneServer(mkdtempSync(join(tmpdir(), 'portward-keystone-')));
    try {
      keystone.#makeDatabase();
      await Promise.all([
        keystone.#manage('db_sync'),
        keystone.#manage('fernet_setup'),
        keystone.#manage('credential_setup'),
      ]);
      await Promise.all([keystone.serve(), keystone.#manage('bootstrap', `--bootstrap-password=${ADMIN_PASSWORD}`)]);
      await keystone.#makeIdentityEndpoint();
      return keystone;
    } catch (error) {
      await keystone.stop();
      throw error;
    }
  }

  private constructor(directory: string) {
    this.directory = directory;
    this.#own(directory);
    for (const name of ['fernet', 'credential']) {
      mkdirSync(this.#path(name), { mode: 0o700 });
      this.#own(this.#path(name));
    }
    this.#configure(3600);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v3`;
  }

  /** Starts the server: on a free port the first time, then on the same one. */
  async serve({ tokenSeconds = 3600 }: { tokenSeconds?: number } = {}): Promise<void> {
    this.#configure(tokenSeconds);
    const log = openSync(this.#path('requests.log'), 'a', 0o600);
    const child = spawn(SERVER, ['--host', '127.0.0.1', '--port', String(this.#port)], {
      ...this.#asUser(),
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    this.#child = child;
    const lines = createInterface(child.stdout as NonNullable<typeof child.stdout>);
    const port = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const match = /^Available at http:\/\/[^/]*:(\d+)\//.exec(line);
        if (match !== null) resolve(match[1] as string);
      });
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(
          new Error(`Keystone ended with ${code}: ${readFileSync(this.#path('requests.log'), 'utf8').slice(-2000)}`),
        ),
      );
    });
    this.#port = Number(port);
  }

  /** Ends the server at once, as kill -9 does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Lets the server stand still, or go on: connections are taken and nothing is answered. */
  freeze(frozen: boolean): void {
    this.#child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A request of Keystone's own API, the administrator's. */
  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    this.#adminToken ??= await this.token(KEYSTONE_ADMIN);
    return this.#send(method, path, body, { 'x-auth-token': this.#adminToken, ...headers });
  }

  /** Signs in; answers the token. Throws when Keystone refuses. */
  async token({ user, password, project }: SignIn): Promise<string> {
    const domain = { id: 'default' };
    const answer = await this.#send('POST', '/auth/tokens', {
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, domain, password } } },
        scope: project === undefined ? 'unscoped' : { project: { name: project, domain } },
      },
    });
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`${user} may not sign in: ${answer.status} ${JSON.stringify(answer.body)}`);
    return token;
  }

  /**
   * Runs commands of the real `openstack` client, one a line, in one process: starting it takes longer than most of
   * them. Answers what it printed; throws when one of them failed.
   */
  async openstack(commands: readonly string[], { user, password, project }: SignIn = KEYSTONE_ADMIN): Promise<string> {
    const env = {
      ...process.env,
      HOME: this.directory,
      OS_CLIENT_CONFIG_FILE: this.#path('no-clouds.yaml'),
      OS_AUTH_URL: this.url,
      OS_USERNAME: user,
      OS_PASSWORD: password,
      OS_PROJECT_NAME: project,
      OS_USER_DOMAIN_ID: 'default',
      OS_PROJECT_DOMAIN_ID: 'default',
      OS_IDENTITY_API_VERSION: '3',
    };
    const { stdout, stderr } = await run('openstack', [], { env }, `${commands.join('\n')}\n`);
    if (stderr.trim() !== '') throw new Error(`openstack: ${stderr}`);
    return stdout;
  }

  /** An empty database in which a reader and a writer, both of which Keystone has at once, do not lock each other out. */
  #makeDatabase(): void {
    const path = this.#path('keystone.db');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL');
    database.close();
    this.#own(path);
  }

  async #makeIdentityEndpoint(): Promise<void> {
    const made = await this.request('POST', '/services', { service: { type: 'identity', name: 'keystone' } });
    const endpoint = { service_id: made.body.service.id, interface: 'public', url: this.url };
    const answer = await this.request('POST', '/endpoints', { endpoint });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  }

  async #send(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: KeystoneAnswer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    return answer;
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  #own(path: string): void {
    if (process.getuid?.() === 0) chownSync(path, NOBODY, NOBODY);
  }

  #asUser() {
    return {
      cwd: this.directory,
      env: { ...process.env, HOME: this.directory, OS_KEYSTONE_CONFIG_FILES: this.#path('keystone.conf') },
      ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
    };
  }

  async #manage(command: string, ...options: string[]): Promise<void> {
    const words = ['--config-file', this.#path('keystone.conf'), command, ...options];
    await run('keystone-manage', words, this.#asUser());
  }

  #configure(tokenSeconds: number): void {
    const sections = {
      DEFAULT: { log_file: this.#path('keystone.log') },
      database: { connection: `sqlite:///${this.#path('keystone.db')}` },
      cache: { backend: 'dogpile.cache.memory' },
      token: { expiration: tokenSeconds },
      fernet_tokens: { key_repository: this.#path('fernet') },
      fernet_receipts: { key_repository: this.#path('fernet') },
      credential: { key_repository: this.#path('credential') },
      identity: { password_hash_rounds: 4 },
    };
    const lines = Object.entries(sections).flatMap(([section, options]) => [
      `[${section}]`,
      ...Object.entries(options).map(([name, value]) => `${name} = ${value}`),
    ]);
    writeFileSync(this.#path('keystone.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
    this.#own(this.#path('keystone.conf'));
  }
}

/** Runs a program to its end; throws what it said when it fails. */
function run(program: string, words: readonly string[], options: ExecFileOptions, input?: string) {
  return new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    const child = execFile(
      program,
      words,
      { ...options, encoding: 'utf8', timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${program} ${words.join(' ')}: ${stderr}`));
        else resolve({ stdout, stderr });
      },
    );
    child.stdin?.end(input);
  });
}
