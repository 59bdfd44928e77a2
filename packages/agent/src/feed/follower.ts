import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentReport, FEED_KINDS, type FeedKind, type FeedLine, HEARTBEAT_SECONDS } from '@portward/model/feed.ts';
import { ControllerConnection, RefusedError } from './connection.ts';
import { readToken } from './credentials.ts';
import { NdjsonReader } from './ndjson.ts';

/** Times in milliseconds. */
export interface FollowerTiming {
  /** Silence after which the feed counts as dead. */
  silenceMs: number;
  /** First and longest wait before a new attempt; it doubles in between. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** Wait after the controller refused the credentials. */
  refusedWaitMs: number;
  /** Time that a report may take. */
  reportMs: number;
}

const TIMING: FollowerTiming = {
  silenceMs: 3 * HEARTBEAT_SECONDS * 1000,
  firstWaitMs: 200,
  longestWaitMs: 10_000,
  refusedWaitMs: 30_000,
  reportMs: 30_000,
};

export interface FollowerOptions {
  /** `http://host:port` or `unix:/path`. */
  controller: string;
  /** File with the agent's token. It is read for each attempt, so that a new one is taken up. */
  credentials: string;
  /** Name of this host. */
  host: string;
  /** Where to tell of lost and regained connections; a pino logger is one. */
  log?: { info(message: string): void; warn(message: string): void };
  timing?: Partial<FollowerTiming>;
}

/** Follows a controller's change feed and reports back to it. */
export class Follower {
  readonly #connection: ControllerConnection;
  readonly #credentials: string;
  readonly #host: string;
  readonly #log: FollowerOptions['log'];
  readonly #timing: FollowerTiming;
  /** Last sequence number taken, once a snapshot was complete. */
  #after: number | undefined;

  /** Throws an Error on a controller address that is none. */
  constructor(options: FollowerOptions) {
    this.#connection = new ControllerConnection(options.controller);
    this.#credentials = options.credentials;
    this.#host = options.host;
    this.#log = options.log;
    this.#timing = { ...TIMING, ...options.timing };
  }

  /**
   * Hands on the feed's lines, for ever: when it ends, fails or falls silent, or `take` throws, it is opened again and
   * goes on where it was. Lines of operations and kinds that this version does not know are left out. Resolves when the
   * signal aborts.
   */
  async follow(signal: AbortSignal, take: (line: FeedLine) => void): Promise<void> {
    let wait = this.#timing.firstWaitMs;
    let complaint = '';
    while (!signal.aborted) {
      let pause = wait;
      let reason = 'the feed ended';
      try {
        await this.#attempt(signal, (line) => {
          take(line);
          if (complaint !== '') this.#log?.info(`Following ${this.#connection.name} again`);
          complaint = '';
          wait = pause = this.#timing.firstWaitMs;
        });
      } catch (error) {
        reason = describe(error);
        if (error instanceof RefusedError && (error.status === 401 || error.status === 403)) {
          reason = `${this.#connection.name} refuses the credentials in ${this.#credentials}`;
          pause = this.#timing.refusedWaitMs;
        }
      }
      if (signal.aborted) return;
      // Said once, not with every attempt.
      if (reason !== complaint) this.#log?.warn(`Cannot follow ${this.#connection.name}: ${reason}; trying again`);
      complaint = reason;
      // Spread out: the agents of many hosts lose their controller at the same moment.
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal, ref: true }).catch(() => undefined);
      wait = Math.min(wait * 2, this.#timing.longestWaitMs);
    }
  }

  /** Tells the controller how things stand. Throws an Error when it does not take it; nothing is tried again. */
  async report(report: AgentReport): Promise<void> {
    await this.#connection.exchange({
      method: 'POST',
      path: `/portward/v1/agents/${encodeURIComponent(this.#host)}/report`,
      token: await readToken(this.#credentials),
      body: report,
      timeoutMs: this.#timing.reportMs,
    });
  }

  /** Closes connections that were kept for reports. */
  close(): void {
    this.#connection.close();
  }

  /** Hands on one connection's lines, until it ends. */
  async #attempt(signal: AbortSignal, take: (line: FeedLine) => void): Promise<void> {
    const query = new URLSearchParams({ host: this.#host });
    if (this.#after !== undefined) query.set('after', String(this.#after));
    const answer = await this.#connection.open({
      method: 'GET',
      path: `/portward/v1/feed?${query}`,
      token: await readToken(this.#credentials),
      signal,
      timeoutMs: this.#timing.silenceMs,
    });
    let synced = this.#after !== undefined;
    const reader = new NdjsonReader((value) => {
      if (signal.aborted) return;
      const seq = sequenceOf(value);
      if (isLine(value)) {
        // A snapshot that breaks off must be had again from its start, not resumed.
        if (value.op === 'reset') {
          synced = false;
          this.#after = undefined;
        }
        take(value);
        if (value.op === 'synced') synced = true;
      }
      // Only now: what could not be taken is told again.
      if (synced && seq !== undefined) this.#after = seq;
    });
    await readAll(answer, (piece) => reader.push(piece), this.#timing.silenceMs);
  }
}

/**
 * Hands on pieces of an answer's body as they arrive, until its end. Throws when none comes for `silenceMs`, and what
 * `take` throws.
 */
async function readAll(answer: IncomingMessage, take: (piece: string) => void, silenceMs: number): Promise<void> {
  const silence = setTimeout(
    () => answer.destroy(new Error(`the feed is silent for ${silenceMs / 1000} s`)),
    silenceMs,
  );
  answer.setEncoding('utf8');
  answer.on('data', (piece: string) => {
    silence.refresh();
    try {
      take(piece);
    } catch (error) {
      answer.destroy(error as Error);
    }
  });
  try {
    await finished(answer);
  } finally {
    clearTimeout(silence);
    answer.destroy();
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 'the connection broke' : error.message;
}

function sequenceOf(value: unknown): number | undefined {
  const { seq } = (value ?? {}) as { seq?: unknown };
  return Number.isSafeInteger(seq) ? (seq as number) : undefined;
}

const KINDS = new Set<unknown>(FEED_KINDS satisfies readonly FeedKind[]);

/** Whether this version knows what to make of a line. */
function isLine(value: unknown): value is FeedLine {
  if (typeof value !== 'object' || value === null || sequenceOf(value) === undefined) return false;
  const { op, kind, id, object } = value as { op?: unknown; kind?: unknown; id?: unknown; object?: { id?: unknown } };
  if (op === 'reset' || op === 'synced' || op === 'heartbeat') return true;
  if (!KINDS.has(kind)) return false;
  return (op === 'put' && typeof object?.id === 'string') || (op === 'delete' && typeof id === 'string');
}
