import { hash } from 'node:crypto';
import { ApiError } from '@portward/model/api-error.ts';
import type { KeystoneConfig } from '@portward/model/config.ts';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Caller } from '../caller.ts';
import type { Authenticator } from '../http/authentication.ts';
import { AnswerCache } from './answer-cache.ts';
import { KeystoneConnection, NoAnswer } from './connection.ts';
import { readServiceUser } from './service-user.ts';

/** Most tokens whose holder is remembered; somewhat over 1 KB each. */
const MOST_HOLDERS = 10_000;
/** Most texts that are remembered to be no token: made-up ones drive out no real one. */
const MOST_NOBODIES = 10_000;
/** Longest that a text is remembered to be no token, seconds. */
const NOBODY_SECONDS = 10;
/** The service user's token is renewed so long before it expires, milliseconds: what is under way shall not be late. */
const RENEW_BEFORE_MS = 30_000;
/** What can be a token: it travels in a header. Longer is not asked about. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

const named = z.object({ id: z.string().min(1) });
const tokenSchema = z.object({
  token: z.object({
    expires_at: z.string(),
    user: named,
    project: named.nullish(),
    domain: named.nullish(),
    roles: z.array(z.object({ name: z.string() })).nullish(),
  }),
});
const ownTokenSchema = z.object({ token: z.object({ expires_at: z.string() }) });

interface Holder {
  readonly caller: Caller;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

interface OwnToken {
  readonly text: string;
  readonly expiresAt: number;
}

/**
 * An external Keystone that says who tokens belong to. What it says is remembered for a while, so that most requests
 * wait for nothing; a token that is revoked there may therefore count here for up to `cache_seconds` more.
 */
export class Keystone implements Authenticator {
  readonly authUrl: string;
  readonly #config: KeystoneConfig;
  readonly #connection: KeystoneConnection;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #holders: AnswerCache<Caller>;
  readonly #nobodies: AnswerCache<true>;
  /** Questions under way, by what is asked about. */
  readonly #asking = new Map<string, Promise<Caller | undefined>>();
  #ownToken: OwnToken | undefined;
  #signingIn: Promise<OwnToken> | undefined;
  /** What is in the way, when something is: said once, not for every request. */
  #trouble: string | undefined;

  /**
   * Reads the credentials and tries them, without waiting for the outcome: a Keystone that is away now may be back when
   * the first request comes. Throws a sentence when a file cannot be read.
   */
  static open(config: KeystoneConfig, log: Logger, now: () => number = Date.now): Keystone {
    readServiceUser(config.credentials);
    const keystone = new Keystone(config, log, now);
    keystone.#servicesToken().then(
      () => log.info(`tokens are checked by the Keystone at ${config.url}`),
      () => undefined,
    );
    return keystone;
  }

  private constructor(config: KeystoneConfig, log: Logger, now: () => number) {
    this.authUrl = (config.public_url ?? config.url).replace(/\/+$/, '');
    this.#config = config;
    this.#connection = new KeystoneConnection(config.url, {
      caFile: config.ca_file,
      timeoutMs: config.timeout_seconds * 1000,
    });
    this.#log = log;
    this.#now = now;
    this.#holders = new AnswerCache(MOST_HOLDERS, now);
    this.#nobodies = new AnswerCache(MOST_NOBODIES, now);
  }

  close(): void {
    this.#connection.close();
  }

  /** See `Authenticator`. Rejects with 503 while Keystone cannot say. */
  authenticate(token: string): Caller | undefined | Promise<Caller | undefined> {
    if (!TOKEN.test(token)) return undefined;
    const key = hash('sha256', token, 'base64url');
    const caller = this.#holders.get(key);
    if (caller !== undefined) return caller;
    if (this.#nobodies.get(key) === true) return undefined;
    const underWay = this.#asking.get(key);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(key, token).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  async #ask(key: string, token: string): Promise<Caller | undefined> {
    const holder = await this.#validate(token);
    const now = this.#now();
    const cacheMs = this.#config.cache_seconds * 1000;
    if (holder === undefined || holder.expiresAt <= now) {
      this.#nobodies.set(key, true, now + Math.min(cacheMs, NOBODY_SECONDS * 1000));
      return undefined;
    }
    this.#holders.set(key, holder.caller, Math.min(now + cacheMs, holder.expiresAt));
    return holder.caller;
  }

  /** Asks Keystone; with a new token of our own when it does not take the one that we have. */
  async #validate(token: string): Promise<Holder | undefined> {
    let own = await this.#servicesToken();
    let { status, body } = await this.#inspect(token, own);
    if (status === 401) {
      if (this.#ownToken === own) this.#ownToken = undefined;
      own = await this.#servicesToken();
      ({ status, body } = await this.#inspect(token, own));
    }
    // 404: no token, or one that counts no more; 400: nothing that Keystone could read.
    if (status === 404 || status === 400) {
      this.#wellAgain();
      return undefined;
    }
    if (status === 401) throw this.#unavailable('does not take the token that it gave Portward’s service user');
    if (status === 403) throw this.#unavailable('does not let Portward’s service user check tokens');
    const outcome = status === 200 ? tokenSchema.safeParse(body) : undefined;
    const expiresAt = Date.parse(outcome?.data?.token.expires_at ?? '');
    if (outcome?.data === undefined || Number.isNaN(expiresAt)) {
      throw this.#unavailable(`answered ${status}${status === 200 ? ', but nothing about the token' : ''}`);
    }
    this.#wellAgain();
    return { caller: this.#callerOf(outcome.data.token), expiresAt };
  }

  async #inspect(token: string, own: OwnToken) {
    const headers = { 'x-auth-token': own.text, 'x-subject-token': token };
    return this.#connection
      .request('GET', '/auth/tokens?nocatalog', { headers })
      .catch((error: unknown) => Promise.reject(this.#explained(error)));
  }

  #callerOf({ user, project, domain, roles }: z.output<typeof tokenSchema>['token']): Caller {
    const names = (roles ?? []).map((role) => role.name);
    return {
      userId: user.id,
      projectId: project?.id ?? '',
      roles: names,
      // An administrator of one domain's users is none of everybody's networks.
      isAdmin: names.includes(this.#config.admin_role) && (domain ?? undefined) === undefined,
    };
  }

  /** Our own token; a new one when there is none or it is about to expire. One sign-in at a time. */
  async #servicesToken(): Promise<OwnToken> {
    const own = this.#ownToken;
    if (own !== undefined && own.expiresAt - RENEW_BEFORE_MS > this.#now()) return own;
    this.#signingIn ??= this.#signIn().finally(() => {
      this.#signingIn = undefined;
    });
    return this.#signingIn;
  }

  async #signIn(): Promise<OwnToken> {
    try {
      // Read anew each time: a password may be changed without a restart.
      const body = readServiceUser(this.#config.credentials);
      const answer = await this.#connection.request('POST', '/auth/tokens?nocatalog', { body });
      if (answer.status === 401) throw new NoAnswer('does not let Portward’s service user in');
      const text = answer.headers['x-subject-token'];
      const outcome = ownTokenSchema.safeParse(answer.body);
      const expiresAt = Date.parse(outcome.data?.token.expires_at ?? '');
      if (answer.status !== 201 || typeof text !== 'string' || Number.isNaN(expiresAt)) {
        throw new NoAnswer(`answered ${answer.status} when Portward’s service user signed in`);
      }
      this.#ownToken = { text, expiresAt };
      return this.#ownToken;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** The 503 that clients get of anything in the way; what is none of their business is for the log only. */
  #explained(error: unknown): ApiError {
    if (error instanceof NoAnswer) return this.#unavailable(error.message);
    if (error instanceof ApiError) return error;
    return this.#unavailable('cannot be asked', (error as Error).message);
  }

  #unavailable(reason: string, detail?: string): ApiError {
    const trouble = detail === undefined ? reason : `${reason}: ${detail}`;
    if (this.#trouble !== trouble) {
      this.#log.warn(`Keystone at ${this.#config.url} ${trouble}; until then requests with new tokens get 503`);
    }
    this.#trouble = trouble;
    return new ApiError(
      503,
      'ServiceUnavailable',
      `The token cannot be checked: Keystone at ${this.authUrl} ${reason}.`,
    );
  }

  #wellAgain(): void {
    if (this.#trouble !== undefined) this.#log.info(`Keystone at ${this.#config.url} checks tokens again`);
    this.#trouble = undefined;
  }
}
