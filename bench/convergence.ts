/** npm run bench -- convergence: how long a change takes until it is true. See README.md beside this file. */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { withHost } from '@portward/test/test-host.ts';
import { measureChanges } from './convergence/changes.ts';
import { ConvergenceCloud } from './convergence/cloud.ts';
import { type Change, goalsOf, type Resync, reportText } from './convergence/report.ts';
import { measureResync, middleOf } from './convergence/resync.ts';

const { values: options } = parseArgs({
  options: { format: { type: 'string', short: 'f', default: 'table' }, quick: { type: 'boolean', default: false } },
});
if (!['table', 'json'].includes(options.format)) {
  process.stderr.write('usage: npm run bench -- convergence [-f table|json] [--quick]\n');
  process.exit(2);
}
const size = options.quick ? { turns: 2, each: 20 } : { turns: 8, each: 50 };
/** Forwardings present while changes are timed, and when the agent starts anew; none: those that hold addresses. */
const PRESENT = [0, 10_000];
const RESYNCED = options.quick ? [10_000] : [10_000, 60_000];

/** Restarts of each kind. */
const RESTARTS = options.quick ? 1 : 3;

const started = performance.now();
const progress = (text: string): void => {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
};

const report = await withHost(async (host) => {
  progress('a host, a controller, an agent, a router and a VM');
  const cloud = await ConvergenceCloud.build(host);
  const changes: Change[] = [];
  for (const present of PRESENT) {
    if (present > cloud.forwardings) await cloud.populate(present);
    progress(`changes with ${cloud.forwardings} forwardings present`);
    changes.push(...(await measureChanges(cloud, size)));
  }
  const resyncs: Resync[] = [];
  for (const present of RESYNCED) {
    if (present > cloud.forwardings) await cloud.populate(present);
    for (const kernel of ['as it was left', 'with an empty map'] as const) {
      progress(`the agent is killed and finds the kernel ${kernel}, ${present} forwardings present`);
      const restarts: Resync[] = [];
      while (restarts.length < RESTARTS) restarts.push(await measureResync(cloud, kernel));
      resyncs.push(middleOf(restarts));
    }
  }
  return { load: (loadavg()[0] as number) / availableParallelism(), changes, resyncs };
}, 'benchhost');
process.stdout.write(
  options.format === 'json'
    ? `${JSON.stringify({ ...report, goals: goalsOf(report) }, undefined, 2)}\n`
    : reportText(report),
);
