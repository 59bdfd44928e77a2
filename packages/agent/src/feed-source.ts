import type { AgentReport, FeedLine } from '@portward/model/feed.ts';

/** Where an agent's objects come from and its reports go to: the controller, or a test. */
export interface FeedSource {
  /**
   * Hands on the feed's lines until the signal aborts, those that arrive together in one go: a source that loses its
   * controller looks for it again by itself. A line over which `take` throws is told again later.
   */
  follow(signal: AbortSignal, take: (line: FeedLine) => void): Promise<void>;
  /** Tells the controller how things stand. Throws when it cannot be reached. */
  report(report: AgentReport): Promise<void>;
}
