import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiCloud } from './api-cloud.ts';
import { Browser, type Entries, type Form, type Page } from './browser.ts';
import { Horizon } from './horizon.ts';

/** At each sign-in Horizon tries whether the user has a role on its domain, and does without. */
const DOMAIN_TRIED = 'POST /identity/v3/auth/tokens 401';

/** The users that a cloud begins with, each with a project of the same name. */
export type UserName = 'admin' | 'demo';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Answer = any;

/** A controller and a Horizon that knows nothing of it but the URL of its Identity. Neither touches the kernel. */
export class HorizonCloud {
  readonly #cloud: ApiCloud;
  readonly #horizon: Horizon;
  readonly #tokens = new Map<UserName, Promise<string>>();

  static async start(): Promise<HorizonCloud> {
    const cloud = await ApiCloud.start();
    try {
      return new HorizonCloud(cloud, await Horizon.start(`${cloud.url}/identity/v3`));
    } catch (error) {
      await cloud.stop();
      throw error;
    }
  }

  private constructor(cloud: ApiCloud, horizon: Horizon) {
    this.#cloud = cloud;
    this.#horizon = horizon;
  }

  /**
   * Ends both. Throws when Horizon asked the APIs for anything in vain, was refused it or saw it fail, but for the
   * refusals that a test provoked, each as `POST /networking/v2.0/networks 409`, a star for any id.
   */
  async stop(...provoked: readonly string[]): Promise<void> {
    await this.#horizon.stop();
    await this.#cloud.stop();
    const { calls, log } = this.#horizon;
    const inVain = calls
      .filter(({ status }) => status >= 400)
      .map(
        ({ method, path, status }) =>
          `${method} ${path.replace(/[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}/, '*')} ${status}`,
      )
      .filter((call) => call !== DOMAIN_TRIED && !provoked.includes(call));
    assert.deepEqual(inVain, [], log.join('\n'));
  }

  /** Somebody who has not signed in. */
  visitor(): HorizonSession {
    return new HorizonSession(new Browser(this.#horizon.url));
  }

  /** Signs in as people do: by the form of the first page. */
  async signIn(user: string, password = this.#password(user)): Promise<HorizonSession> {
    const session = this.visitor();
    const form = (await session.open('/auth/login/')).form('/auth/login/');
    const page = await session.send(form, { username: user, password });
    assert.match(page.url, /^\/project\//, 'signed in');
    return session;
  }

  /** A request to an API, for what a test needs to know or to have. `path` begins with `networking/v2.0` or the like. */
  async api(user: UserName, method: string, path: string, body?: object): Promise<Answer> {
    if (!this.#tokens.has(user)) this.#tokens.set(user, this.#newToken(user));
    const response = await fetch(`${this.#cloud.url}/${path}`, {
      method,
      headers: { 'x-auth-token': (await this.#tokens.get(user)) ?? '', 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A request to the Networking API. */
  network(user: UserName, method: string, path: string, body?: object): Promise<Answer> {
    return this.api(user, method, `networking/v2.0/${path}`, body);
  }

  /** Makes an external network with a subnet of this name, as an administrator; answers its id. */
  async addExternalNetwork(name: string, cidr: string): Promise<string> {
    const { network } = await this.network('admin', 'POST', 'networks', { network: { name, 'router:external': true } });
    await this.network('admin', 'POST', 'subnets', {
      subnet: { name, network_id: network.id, ip_version: 4, cidr, enable_dhcp: false },
    });
    return network.id;
  }

  /** Lets a host have an agent that plays VMs. */
  reportHost(host: string): Promise<void> {
    return this.#cloud.reportHost(host);
  }

  #password(user: string): string {
    const clouds = readFileSync(join(this.#cloud.directory, 'data', 'clouds.yaml'), 'utf8');
    const found = new RegExp(`username: "${user}"\\s+password: "([^"]+)"`).exec(clouds)?.[1];
    if (found === undefined) throw new Error(`clouds.yaml has no ${user}.`);
    return found;
  }

  async #newToken(user: UserName): Promise<string> {
    const domain = { id: 'default' };
    const response = await fetch(`${this.#cloud.url}/identity/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: user, domain, password: this.#password(user) } },
          },
          scope: { project: { name: user, domain } },
        },
      }),
    });
    assert.equal(response.status, 201);
    return response.headers.get('x-subject-token') ?? '';
  }
}

/** Somebody with a browser who takes no complaint from any page. */
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
    const table = button.replace(/__.*$/, '').replaceAll(' ', '-');
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
