import type { AgentReport, FeedLine } from '@portward/model/feed.ts';

/** Where an agent's objects come from and its reports go to: the controller, or a test. */
export interface FeedSource {
  /** Lines of the feed until the signal aborts: a source that loses its controller looks for it again by itself. */
  lines(signal: AbortSignal): AsyncIterable<FeedLine>;
  /** Tells the controller how things stand. Throws when it cannot be reached. */
  report(report: AgentReport): Promise<void>;
}
