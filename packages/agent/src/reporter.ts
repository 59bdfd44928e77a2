import { type AgentConfigurations, HEARTBEAT_SECONDS, type StatusReport } from '@portward/model/feed.ts';
import type { Logger } from 'pino';
import type { FeedSource } from './feed-source.ts';

/** Statuses of one report; more go in the next one. */
const BATCH = 1000;

/** Sends statuses to the controller in batches, and a heartbeat when there is nothing to say. */
export class Reporter {
  readonly #source: FeedSource;
  readonly #configurations: () => AgentConfigurations;
  readonly #log: Logger;
  readonly #startedAt = new Date().toISOString();
  /** The latest word on each object. */
  #pending = new Map<string, StatusReport>();
  /** -1: nothing yet. */
  #appliedSeq = -1;
  #sending: Promise<void> | undefined;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(source: FeedSource, configurations: () => AgentConfigurations, log: Logger) {
    this.#source = source;
    this.#configurations = configurations;
    this.#log = log;
    this.#heartbeat = setInterval(() => this.#send(), HEARTBEAT_SECONDS * 1000);
    this.#heartbeat.unref();
  }

  /**
   * Takes news in; all changes up to the sequence number have been carried out. `more`: the agent's own figures have
   * changed too.
   */
  tell(appliedSeq: number, statuses: readonly StatusReport[], more = false): void {
    const advanced = more || appliedSeq > this.#appliedSeq;
    this.#appliedSeq = Math.max(appliedSeq, this.#appliedSeq);
    for (const status of statuses) this.#pending.set(`${status.kind}:${status.id}`, status);
    if (advanced || statuses.length > 0) this.#send();
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#sending;
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const batch = [...this.#pending].slice(0, BATCH);
      for (const [name] of batch) this.#pending.delete(name);
      const appliedSeq = this.#appliedSeq;
      try {
        await this.#source.report({
          started_at: this.#startedAt,
          applied_seq: Math.max(0, appliedSeq),
          configurations: this.#configurations(),
          statuses: batch.map(([, status]) => status),
        });
      } catch (error) {
        // Older word does not replace newer; the next heartbeat tries again.
        for (const [name, status] of batch) if (!this.#pending.has(name)) this.#pending.set(name, status);
        this.#log.debug({ error }, 'the controller cannot be told how things stand');
        return;
      }
      if (this.#pending.size === 0 && appliedSeq === this.#appliedSeq) return;
    }
  }
}
