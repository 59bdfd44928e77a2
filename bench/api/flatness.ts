import type { BenchCloud } from './cloud.ts';
import { median, run } from './timing.ts';
import { forwardings, idsIn, LISTED, OPERATIONS, type Operation, requestsOf, type Workload } from './workloads.ts';

/** The most that an operation may cost in the full store, as a multiple of what it costs in the small one. */
export const FLAT = 1.5;

/** Forwardings in the small store. */
export const FEW = 1000;
/** Forwardings of one floating IP that has nearly all its ports in use. */
const CROWD = 60_000;
const EACH = 1000;
/** Internal ports that the forwardings are spread over. */
const PORTS = 50;
/** Rows of one transaction while the store is filled. */
const CHUNK = 100_000;

/** One operation's cost in a store with few and in a store with many forwardings. */
export interface Flatness {
  readonly store: string;
  readonly where: string;
  readonly operation: Operation;
  readonly forwardings: number;
  /** Milliseconds, medians. */
  readonly few: number;
  readonly many: number;
  /** Of the medians. */
  readonly ratio: number;
  /** The ratio of processor time. */
  readonly cpuRatio: number;
}

/** Fills a store with `count` forwardings; answers those of an ordinary floating IP and those of a crowded one. */
export async function populate(cloud: BenchCloud, count: number): Promise<[ordinary: Workload, crowded: Workload]> {
  const crowd = Math.min(CROWD, count - LISTED);
  const others = Math.ceil((count - LISTED - crowd) / EACH);
  const ports = await cloud.ports(PORTS);
  const [ordinary = '', crowded = '', ...rest] = await cloud.floatingIps(others + 2);
  const [free = '', ofCrowd = '', ...spread] = ports;
  let number = 1;
  let chunk: { templateId: string; count: number; firstNumber: number }[] = [];
  let inChunk = 0;
  const flush = async (): Promise<void> => {
    await cloud.controller.call('addForwardings', chunk);
    chunk = [];
    inChunk = 0;
  };
  // Each floating IP has external ports from 1 on; the internal ones of a port must differ.
  const fill = async (floatingIp: string, size: number, port: string, internalPort: number): Promise<void> => {
    const { path, name, create } = forwardings(floatingIp, port, 1);
    const [templateId = ''] = await cloud.create(path, name, 1, () => ({ ...create(0), internal_port: internalPort }));
    chunk.push({ templateId, count: size - 1, firstNumber: number });
    number += size;
    inChunk += size;
    if (inChunk >= CHUNK) await flush();
  };
  await fill(ordinary, LISTED, ofCrowd, CROWD + 1);
  await fill(crowded, crowd, ofCrowd, 1);
  for (const [index, floatingIp] of rest.entries()) {
    const size = Math.min(EACH, count - LISTED - crowd - index * EACH);
    const port = spread[index % spread.length] as string;
    await fill(floatingIp, size, port, 1 + Math.floor(index / spread.length) * EACH);
  }
  await flush();
  return [forwardings(ordinary, free), forwardings(crowded, free)];
}

/** Compares the operations in two clouds that are alike but for the number of forwardings, by turns. */
export async function compare(
  store: string,
  where: string,
  few: { cloud: BenchCloud; workload: Workload },
  many: { cloud: BenchCloud; workload: Workload; forwardings: number },
  rounds: number,
  requests: number,
  seconds: number,
): Promise<Flatness[]> {
  const until = performance.now() + seconds * 1000;
  const sides = [few, many] as const;
  const found = new Map<Operation, { latencies: [number[], number[]]; cpu: [number[], number[]] }>(
    OPERATIONS.map((operation) => [operation, { latencies: [[], []], cpu: [[], []] }]),
  );
  // The first round only warms both up.
  for (let round = 0; round <= rounds && (round < 3 || performance.now() < until); round++) {
    const ids: [string[], string[]] = [[], []];
    for (const operation of OPERATIONS) {
      for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const { cloud, workload } = sides[side];
        const count = operation === 'list' ? Math.ceil(requests / 10) : requests;
        const result = await run(cloud, 1, requestsOf(workload, operation, count, ids[side]));
        if (operation === 'create') ids[side] = idsIn(workload.name, result.bodies);
        if (round === 0) continue;
        found.get(operation)?.latencies[side].push(...result.latencies);
        found.get(operation)?.cpu[side].push(result.cpu);
      }
    }
  }
  return OPERATIONS.map((operation) => {
    const { latencies, cpu } = found.get(operation) ?? { latencies: [[], []], cpu: [[], []] };
    const [fewMs, manyMs] = latencies.map(median) as [number, number];
    const [fewCpu, manyCpu] = cpu.map(median) as [number, number];
    return {
      store,
      where,
      operation,
      forwardings: many.forwardings,
      few: fewMs,
      many: manyMs,
      ratio: manyMs / fewMs,
      cpuRatio: manyCpu / fewCpu,
    };
  });
}
