import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeystoneConfig } from '@portward/model/config.ts';
import { pino } from 'pino';
import { Keystone } from './keystone.ts';

/** What the stand-in says of a token. */
export interface KnownToken {
  readonly user: string;
  readonly project?: string;
  readonly domain?: string;
  readonly roles?: readonly string[];
  /** Seconds that it lives from the beginning of the test. */
  readonly life?: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers as Keystone does about tokens, counts the questions, and fails as it is told. */
export class StandInKeystone {
  readonly tokens = new Map<string, KnownToken>();
  /** Seconds that a token of the service user lives. */
  serviceTokenLife = 3600;
  /** Bodies of sign-ins. */
  readonly signIns: unknown[] = [];
  /** Tokens that were asked about. */
  readonly questions: string[] = [];
  readonly log: string[] = [];
  /** Answers in place of the stand-in while it is set, sign-ins too when it says so. */
  failure: Handler | undefined;
  failsSignIns = false;
  #serviceToken = 'none yet';
  #clock = Date.parse('2026-11-25T12:00:00Z');
  readonly #began = this.#clock;
  readonly #directory = mkdtempSync(join(tmpdir(), 'portward-stand-in-'));
  readonly #opened: Keystone[] = [];
  readonly #server = createServer((request, response) => this.#handle(request, response));

  static async start(): Promise<StandInKeystone> {
    const standIn = new StandInKeystone();
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    standIn.writeCredentials('username: portward\npassword: s3cret\nproject_name: service\n');
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v3`;
  }

  get credentials(): string {
    return join(this.#directory, 'portward.yaml');
  }

  writeCredentials(content: string): void {
    writeFileSync(this.credentials, content);
  }

  /** What is tested, towards this server. */
  open(config: Partial<KeystoneConfig> = {}): Keystone {
    const whole = { url: this.url, credentials: this.credentials, admin_role: 'admin', cache_seconds: 60 };
    const log = pino({ level: 'debug' }, { write: (line) => this.log.push(line) });
    const keystone = Keystone.open({ ...whole, timeout_seconds: 1, ...config }, log, () => this.#clock);
    this.#opened.push(keystone);
    return keystone;
  }

  /** Lets time pass. */
  advance(seconds: number): void {
    this.#clock += seconds * 1000;
  }

  /** Voids the token that the service user has. */
  voidServiceToken(): void {
    this.#serviceToken = 'void';
  }

  async stop(): Promise<void> {
    for (const keystone of this.#opened) keystone.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { 'x-auth-token': own, 'x-subject-token': subject } = request.headers;
    const isSignIn = request.method === 'POST';
    if (!isSignIn) this.questions.push(String(subject));
    if (this.failure !== undefined && (this.failsSignIns || !isSignIn)) {
      this.failure(request, response);
      return;
    }
    if (isSignIn) {
      this.#signIn(request, response);
      return;
    }
    const known = this.tokens.get(String(subject));
    if (own !== this.#serviceToken) this.#send(response, 401, { error: { code: 401 } });
    else if (known === undefined) this.#send(response, 404, { error: { code: 404 } });
    else this.#send(response, 200, { token: this.#document(known) });
  }

  #document({ user, project, domain, roles = [], life = 3600 }: KnownToken): Record<string, unknown> {
    return {
      expires_at: this.#time(this.#began + life * 1000),
      user: { id: user },
      ...(project !== undefined && { project: { id: project } }),
      ...(domain !== undefined && { domain: { id: domain } }),
      roles: roles.map((name) => ({ id: `id of ${name}`, name })),
    };
  }

  #signIn(request: IncomingMessage, response: ServerResponse): void {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      this.signIns.push(JSON.parse(text));
      this.#serviceToken = `service token ${this.signIns.length}`.replaceAll(' ', '-');
      response.setHeader('x-subject-token', this.#serviceToken);
      const expires = this.#clock + this.serviceTokenLife * 1000;
      this.#send(response, 201, { token: { expires_at: this.#time(expires) } });
    });
  }

  #time(milliseconds: number): string {
    return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, '.000000Z');
  }

  #send(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}
