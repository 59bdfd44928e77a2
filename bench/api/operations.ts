import type { BenchCloud } from './cloud.ts';
import { median, quantile, type Run, run } from './timing.ts';
import { idsIn, OPERATIONS, type Operation, requestsOf, type Workload } from './workloads.ts';

/** How much is measured. */
export interface Size {
  /** At most; fewer when the time is up, but never less than two. */
  readonly rounds: number;
  /** Seconds for one resource at one width. */
  readonly seconds: number;
  /** Requests of a round, one at a time and many at once. */
  readonly single: number;
  readonly many: number;
  /** Lists of a round. */
  readonly lists: number;
}

/** One operation's figures. */
export interface Figures {
  readonly store: string;
  readonly resource: string;
  readonly operation: Operation;
  /** Requests at once. */
  readonly width: number;
  /** Per second; the median of the rounds. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of the controller's processor time per request. */
  readonly cpu: number;
  /** The rate as a part of that of the empty route in the same round. */
  readonly ofRoute: number;
  /** The rate as a part of that of the same statements straight on the store. */
  readonly ofStore: number;
}

/** Measures all operations on one resource, floors and operations by turns. */
export async function measure(
  store: string,
  cloud: BenchCloud,
  workload: Workload,
  width: number,
  size: Size,
): Promise<Figures[]> {
  const countOf = (operation: Operation): number =>
    operation === 'list' ? size.lists : width === 1 ? size.single : size.many;
  const until = performance.now() + size.seconds * 1000;
  await record(cloud, workload, countOf);
  const rounds = new Map<Operation, { operation: Run; route: number; store: number }[]>(
    OPERATIONS.map((operation) => [operation, []]),
  );
  for (let round = 0; round < size.rounds && (round < 2 || performance.now() < until); round++) {
    let ids: string[] = [];
    const measured = new Map<Operation, { operation: Run; route: number }>();
    for (const operation of OPERATIONS) {
      const floor = Array.from({ length: countOf(operation) }, () => ({ method: 'GET', path: '/floor' }));
      const route = (await run(cloud, width, floor)).rate;
      const result = await run(cloud, width, requestsOf(workload, operation, countOf(operation), ids));
      if (operation === 'create') ids = idsIn(workload.name, result.bodies);
      measured.set(operation, { operation: result, route });
    }
    for (const operation of OPERATIONS) {
      const seconds = await cloud.controller.call('replay', { name: operation, width });
      const one = measured.get(operation) as { operation: Run; route: number };
      rounds.get(operation)?.push({ ...one, store: countOf(operation) / seconds });
    }
  }
  return OPERATIONS.map((operation) => {
    const all = rounds.get(operation) ?? [];
    const latencies = all.flatMap((one) => one.operation.latencies);
    return {
      store,
      resource: workload.resource,
      operation,
      width,
      rate: median(all.map((one) => one.operation.rate)),
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      cpu: median(all.map((one) => one.operation.cpu)),
      ofRoute: median(all.map((one) => one.operation.rate / one.route)),
      ofStore: median(all.map((one) => one.operation.rate / one.store)),
    };
  });
}

/** One pass over all operations whose statements are written down; it also warms things up. */
async function record(cloud: BenchCloud, workload: Workload, countOf: (operation: Operation) => number): Promise<void> {
  let ids: string[] = [];
  for (const operation of OPERATIONS) {
    await cloud.controller.call('startRecording');
    const { bodies } = await run(cloud, 1, requestsOf(workload, operation, countOf(operation), ids));
    await cloud.controller.call('stopRecording', { name: operation });
    if (operation === 'create') ids = idsIn(workload.name, bodies);
  }
}
