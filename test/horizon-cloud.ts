import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Browser, type Entries, type Form, type Page } from './browser.ts';
import { Horizon } from './horizon.ts';

const PORTWARD = fileURLToPath(new URL('../bin/portward', import.meta.url));

/** At each sign-in Horizon tries whether the user has a role on its domain, and does without. */
const DOMAIN_TRIED = 'POST /identity/v3/auth/tokens 401';

/** The users that a cloud begins with, each with a project of the same name. */
export type UserName = 'admin' | 'demo';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Answer = any;

/** A controller and a Horizon that knows nothing of it but the URL of its Identity. Neither touches the kernel. */
export class HorizonCloud {
  readonly horizon: Horizon;
  readonly #directory: string;
  readonly #controller: ChildProcess;
  readonly #url: string;
  readonly #passwords: Record<UserName, string>;
  readonly #tokens = new Map<UserName, Promise<string>>();

  static async start(): Promise<HorizonCloud> {
    const directory = await mkdtemp(join(tmpdir(), 'portward-horizon-'));
    const dataDir = join(directory, 'data');
    const words = ['controller', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--user', '0', '--demo'];
    const controller = spawn(PORTWARD, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      const url = await listening(controller);
      const clouds = await readFile(join(dataDir, 'clouds.yaml'), 'utf8');
      const password = (user: UserName): string =>
        new RegExp(`username: "${user}"\\s+password: "([^"]+)"`).exec(clouds)?.[1] ?? '';
      const horizon = await Horizon.start(`${url}/identity/v3`);
      const cloud = new HorizonCloud(directory, controller, url, horizon, {
        admin: password('admin'),
        demo: password('demo'),
      });
      return cloud;
    } catch (error) {
      controller.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(
    directory: string,
    controller: ChildProcess,
    url: string,
    horizon: Horizon,
    passwords: Record<UserName, string>,
  ) {
    this.#directory = directory;
    this.#controller = controller;
    this.#url = url;
    this.horizon = horizon;
    this.#passwords = passwords;
  }

  /**
   * Ends both. Throws when Horizon asked the APIs for anything in vain, was refused it or saw it fail, but for the
   * refusals that a test provoked: `POST /networking/v2.0/networks 409`.
   */
  async stop(...provoked: readonly string[]): Promise<void> {
    await this.horizon.stop();
    const closed = once(this.#controller, 'close');
    this.#controller.kill('SIGTERM');
    await closed;
    await rm(this.#directory, { recursive: true, force: true });
    const inVain = this.horizon.calls
      .filter(({ status }) => status >= 400)
      .map(({ method, path, status }) => `${method} ${path} ${status}`)
      .filter((call) => call !== DOMAIN_TRIED && !provoked.includes(call));
    assert.deepEqual(inVain, [], this.horizon.log.join('\n'));
  }

  /** Somebody who has not signed in. */
  visitor(): HorizonSession {
    return new HorizonSession(new Browser(this.horizon.url));
  }

  /** Signs in as people do: by the form of the first page. */
  async signIn(user: UserName): Promise<HorizonSession> {
    const session = this.visitor();
    const form = (await session.open('/auth/login/')).form('/auth/login/');
    const page = await session.send(form, { username: user, password: this.#passwords[user] });
    assert.match(page.url, /^\/project\//, 'signed in');
    return session;
  }

  /** A request to an API, for what a test needs to know or to have: `network` is below /v2.0, `compute` below /v2.1. */
  async api(
    user: UserName,
    method: string,
    service: 'network' | 'compute',
    path: string,
    body?: object,
  ): Promise<Answer> {
    if (!this.#tokens.has(user)) this.#tokens.set(user, this.#newToken(user));
    const root = service === 'network' ? 'networking/v2.0' : 'compute/v2.1';
    const response = await fetch(`${this.#url}/${root}/${path}`, {
      method,
      headers: {
        'x-auth-token': await (this.#tokens.get(user) as Promise<string>),
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Makes an external network with a subnet of this name, as an administrator; answers its id. */
  async addExternalNetwork(name: string, cidr: string): Promise<string> {
    const { network } = await this.api('admin', 'POST', 'network', 'networks', {
      network: { name, 'router:external': true },
    });
    await this.api('admin', 'POST', 'network', 'subnets', {
      subnet: { name, network_id: network.id, ip_version: 4, cidr, enable_dhcp: false },
    });
    return network.id;
  }

  /** Reports as an agent of a host that plays VMs does: that it lives, and that this server is active. */
  async reportFrom(host: string, serverIds: readonly string[] = []): Promise<void> {
    const token = /^token: (\S+)$/m.exec(await readFile(join(this.#directory, 'data', 'agent.yaml'), 'utf8'))?.[1];
    const response = await fetch(`${this.#url}/portward/v1/agents/${host}/report`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        started_at: new Date().toISOString(),
        applied_seq: 0,
        configurations: { nat_backend: 'nftables', bridge_mappings: { public: 'br-ex' }, machines: true },
        statuses: serverIds.map((id) => ({ kind: 'server', id, revision_number: 1, status: 'ACTIVE' })),
      }),
    });
    assert.equal(response.status, 204, await response.text());
  }

  async #newToken(user: UserName): Promise<string> {
    const response = await fetch(`${this.#url}/identity/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: user, domain: { id: 'default' }, password: this.#passwords[user] } },
          },
          scope: { project: { name: user, domain: { id: 'default' } } },
        },
      }),
    });
    assert.equal(response.status, 201);
    return response.headers.get('x-subject-token') ?? '';
  }
}

/** The URL that a controller says it listens on; rejects with what it said when it ends instead. */
async function listening(controller: ChildProcess): Promise<string> {
  const said: string[] = [];
  if (controller.stderr === null) throw new Error('The controller has no log.');
  const lines = createInterface(controller.stderr);
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('"msg":"listening"')) resolve(JSON.parse(line).url);
    });
    controller.once('error', reject);
    controller.once('exit', (code) => reject(new Error(`The controller ended with ${code}:\n${said.join('\n')}`)));
  });
}

/** Somebody who is signed in and takes no complaint from any page. */
export class HorizonSession {
  readonly browser: Browser;

  constructor(browser: Browser) {
    this.browser = browser;
  }

  /** Opens a page, which must be there and complain of nothing. */
  async open(path: string): Promise<Page> {
    return withoutComplaint(await this.browser.get(path), path);
  }

  /** Sends a form; the page that answers must complain of nothing. */
  async send(form: Form, entries: Entries = {}): Promise<Page> {
    return withoutComplaint(await this.browser.submit(form, entries), form.action);
  }

  /** Opens the page of a form, fills the form in, and sends it; the answer must say that it was done. */
  async fillIn(path: string, entries: Entries): Promise<Page> {
    const page = await this.send((await this.open(path)).form(path.split('?')[0] as string), entries);
    assert.equal(page.successes.length, 1, `${path} says what was done: ${page.successes.join(' ')}`);
    return page;
  }

  /** Presses a button of a table: `networks__delete__ID`; the answer must say that it was done. */
  async press(path: string, button: string): Promise<Page> {
    const from = await this.open(path);
    assert.ok(from.html.includes(`value="${button}"`), `${path} has the button ${button}`);
    const table = button.split('__')[0] as string;
    const page = await this.send(from.formOfTable(table), { action: button });
    assert.equal(page.successes.length, 1, `${button} says what was done: ${page.successes.join(' ')}`);
    return page;
  }
}

function withoutComplaint(page: Page, what: string): Page {
  assert.equal(page.status, 200, `${what} leads to ${page.url}`);
  assert.deepEqual(page.complaints, [], `${what} leads to ${page.url}`);
  assert.doesNotMatch(page.html, /Unable to |Error: /, `${what} leads to ${page.url}`);
  return page;
}
