/** npm run bench -- dataplane: what a forwarding costs a packet. See README.md beside this file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { NatBackend } from '@portward/model/feed.ts';
import { BenchHost } from './dataplane/bench-host.ts';
import { compileLoad } from './dataplane/load.ts';
import { measure } from './dataplane/measure.ts';
import { type Loading, reportJson, reportText, type Skipped } from './dataplane/report.ts';
import { FLOOR, nameOf, type Variant, variants } from './dataplane/variants.ts';

const BACKENDS: readonly NatBackend[] = ['nftables', 'iptables'];
const { values: options } = parseArgs({
  options: {
    format: { type: 'string', short: 'f', default: 'table' },
    quick: { type: 'boolean', default: false },
    backend: { type: 'string', multiple: true },
    rounds: { type: 'string' },
  },
});
const backends = (options.backend ?? BACKENDS) as NatBackend[];
const rounds = Number(options.rounds ?? (options.quick ? 15 : 25));
if (
  !backends.every((name) => BACKENDS.includes(name)) ||
  !['table', 'json'].includes(options.format) ||
  !(rounds >= 1 && rounds <= 1000)
) {
  process.stderr.write(
    `usage: npm run bench -- dataplane [-f table|json] [--quick] [--backend ${BACKENDS.join('|')}]… [--rounds N]\n`,
  );
  process.exit(2);
}

/** Longest that the agent may take for one host's routers. */
const LOAD_SECONDS = 150;
const SLICE_MS = options.quick ? 40 : 60;
const sizes = options.quick ? [1, 1000] : [1, 1000, 10_000, 60_000];

const started = performance.now();
const progress = (text: string): void => {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
};
// Hosts end with this process, however it ends; files do not.
const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const program = compileLoad(directory);
const loadings: Loading[] = [];
const skipped: Skipped[] = [];
await using hosts = new AsyncDisposableStack();
const floor = await build(FLOOR);
const built: BenchHost[] = [];
for (const variant of variants(backends, sizes)) {
  const { layout, misses, forwardings } = variant;
  try {
    const host = await build(variant);
    built.push(host);
    loadings.push({ layout, misses, forwardings, seconds: host.loading });
  } catch (error) {
    // What is asked of nftables must be measured; iptables may take more time than anyone has.
    if (layout !== 'iptables') throw error;
    const reason = (error as Error).message.split('\n')[0] ?? '';
    skipped.push({ layout, misses, forwardings, reason });
    progress(`skipped: ${reason}`);
  }
}
const measurements = await measure(floor, built, ['tcp', 'udp', 'scan'], rounds, SLICE_MS, (round) =>
  progress(`round ${round + 1} of ${rounds}`),
);
const report = { load: (loadavg()[0] as number) / availableParallelism(), rounds, measurements, loadings, skipped };
process.stdout.write(options.format === 'json' ? reportJson(report) : reportText(report));

async function build(variant: Variant): Promise<BenchHost> {
  progress(`building ${nameOf(variant)}`);
  return hosts.use(await BenchHost.build(variant, mkdtempSync(join(directory, 'host-')), program, LOAD_SECONDS));
}
