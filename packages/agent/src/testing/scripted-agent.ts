import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { AgentReport, FeedLine } from '@portward/model/feed.ts';
import { pino } from 'pino';
import { type Agent, startAgent } from '../agent.ts';
import { cleanUp } from '../clean-up.ts';
import type { FeedSource } from '../feed-source.ts';

/**
 * An agent whose feed is its standard input and whose reports go to its standard output, a line each: tests run it in
 * a host of their own. The line `check` is answered with what of the kernel is not as it should be. Parameter: the agent's configuration as JSON, with `cleanUp: true` to remove everything.
 */
const { cleanUp: isCleanUp, ...config } = JSON.parse(process.argv[2] ?? '{}');
const log = pino({ level: process.env.AGENT_LOG ?? 'warn' }, pino.destination(2));

/** The line that asks for a comparison. */
const CHECK = 'check';

const source: FeedSource = {
  async follow(_signal: AbortSignal, take: (line: FeedLine) => void): Promise<void> {
    const input = createInterface({ input: process.stdin });
    input.on('line', (line) => (line === CHECK ? void answer() : take(JSON.parse(line) as FeedLine)));
    await once(input, 'close');
    process.exit();
  },
  async report(report: AgentReport): Promise<void> {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
};

let agent: Agent | undefined;

async function answer(): Promise<void> {
  const differences = await agent?.differences().catch((error: Error) => [`nothing can be compared: ${error.message}`]);
  process.stdout.write(`${JSON.stringify({ differences })}\n`);
}

if (isCleanUp) await cleanUp({ config, log });
else agent = await startAgent({ config, log, source });
