/** npm run bench -- api: how fast the API is. See README.md beside this file. */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { BenchCloud, WIDTH } from './api/cloud.ts';
import { BenchController } from './api/controller.ts';
import { compare, FEW, type Flatness, populate } from './api/flatness.ts';
import { type Figures, measure, type Size } from './api/operations.ts';
import { reportJson, reportText } from './api/report.ts';
import { STORES } from './api/stores.ts';
import { standingWorkloads } from './api/workloads.ts';

const { values: options } = parseArgs({
  options: {
    format: { type: 'string', short: 'f', default: 'table' },
    quick: { type: 'boolean', default: false },
    store: { type: 'string', multiple: true },
    rows: { type: 'string' },
  },
});
const stores = options.store ?? Object.keys(STORES);
const unknown = stores.find((name) => !Object.hasOwn(STORES, name));
const rows = Number(options.rows ?? (options.quick ? 20_000 : 1_000_000));
if (unknown !== undefined || !['table', 'json'].includes(options.format) || !(rows === 0 || rows > 2 * FEW)) {
  process.stderr.write(
    `usage: npm run bench -- api [-f table|json] [--quick] [--store ${Object.keys(STORES).join('|')}]… [--rows N]\n`,
  );
  process.exit(2);
}

const started = performance.now();
const progress = (text: string): void => {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
};
/** Seconds of a whole run, about; filling the stores is not bounded by it. */
const SECONDS = options.quick ? 30 : 100;
const perStore = SECONDS / stores.length;
const size: Size = {
  ...(options.quick
    ? { rounds: 2, single: 100, many: 300, lists: 20 }
    : { rounds: 7, single: 150, many: 450, lists: 30 }),
  // Three resources at two widths take two thirds of the time, two comparisons the rest.
  seconds: perStore / (rows > 0 ? 9 : 6),
};

const operations: Figures[] = [];
const flatness: Flatness[] = [];
for (const store of stores) {
  operations.push(...(await measureOperations(store)));
  if (rows > 0) flatness.push(...(await measureFlatness(store)));
}
const report = { load: (loadavg()[0] as number) / availableParallelism(), operations, flatness };
process.stdout.write(options.format === 'json' ? reportJson(report) : reportText(report));

async function measureOperations(store: string): Promise<Figures[]> {
  const controller = await BenchController.start(store);
  const cloud = await BenchCloud.build(controller);
  const found: Figures[] = [];
  for (const workload of await standingWorkloads(cloud)) {
    for (const width of [1, WIDTH]) {
      progress(`${store}: ${workload.resource}, ${width} at once`);
      found.push(...(await measure(store, cloud, workload, width, size)));
    }
  }
  cloud.close();
  await controller.stop();
  return found;
}

async function measureFlatness(store: string): Promise<Flatness[]> {
  const clouds: { controller: BenchController; cloud: BenchCloud; forwardings: number }[] = [];
  for (const forwardings of [FEW, rows]) {
    const controller = await BenchController.start(store);
    clouds.push({ controller, cloud: await BenchCloud.build(controller), forwardings });
  }
  progress(`${store}: writing ${FEW} and ${rows} forwardings into two stores`);
  const [few, many] = (await Promise.all(
    clouds.map(async ({ cloud, forwardings }) => ({
      cloud,
      forwardings,
      workloads: await populate(cloud, forwardings),
    })),
  )) as [Side, Side];
  const found: Flatness[] = [];
  for (const [index, where] of ['ordinary', 'crowded'].entries()) {
    progress(`${store}: the same operations with ${FEW} and ${rows} forwardings, on a floating IP that is ${where}`);
    const side = ({ cloud, forwardings, workloads }: Side) => ({
      cloud,
      forwardings,
      workload: workloads[index] as Side['workloads'][number],
    });
    found.push(...(await compare(store, where, side(few), side(many), 2 * size.rounds, size.single, perStore / 6)));
  }
  for (const { cloud, controller } of clouds) {
    cloud.close();
    await controller.stop();
  }
  return found;
}

interface Side {
  readonly cloud: BenchCloud;
  readonly forwardings: number;
  readonly workloads: Awaited<ReturnType<typeof populate>>;
}
