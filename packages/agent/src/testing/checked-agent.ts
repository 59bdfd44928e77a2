import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { startAgent } from '../agent.ts';

/**
 * An agent as operators run it, fed by its controller, that can be asked: each line of standard input is answered, once
 * all that is known is done, with a line of JSON that says what of the kernel is not as it should be. Parameter: the
 * agent's configuration as JSON.
 */
const log = pino({ level: process.env.AGENT_LOG ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
const agent = await startAgent({ config: JSON.parse(process.argv[2] ?? '{}'), log });
for await (const _ of createInterface({ input: process.stdin })) {
  const differences = await agent.differences().catch((error: Error) => [`nothing can be compared: ${error.message}`]);
  process.stdout.write(`${JSON.stringify({ differences })}\n`);
}
process.exit();
