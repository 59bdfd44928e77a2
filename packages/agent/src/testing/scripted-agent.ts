import { createInterface } from 'node:readline';
import type { AgentReport, FeedLine } from '@portward/model/feed.ts';
import { pino } from 'pino';
import { startAgent } from '../agent.ts';
import { cleanUp } from '../clean-up.ts';
import type { FeedSource } from '../feed-source.ts';

/**
 * An agent whose feed is its standard input and whose reports go to its standard output, a line each: tests run it in
 * a host of their own. Parameter: the agent's configuration as JSON, with `cleanUp: true` to remove everything.
 */
const { cleanUp: isCleanUp, ...config } = JSON.parse(process.argv[2] ?? '{}');
const log = pino({ level: process.env.AGENT_LOG ?? 'warn' }, pino.destination(2));

const source: FeedSource = {
  async *lines(): AsyncIterable<FeedLine> {
    for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as FeedLine;
    process.exit();
  },
  async report(report: AgentReport): Promise<void> {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
};

if (isCleanUp) await cleanUp({ config, log });
else await startAgent({ config, log, source });
