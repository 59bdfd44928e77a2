import { atOnce } from './at-once.ts';
import type { BenchCloud } from './cloud.ts';

/** A request of a measurement. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** What a run of requests took. */
export interface Run {
  /** Requests per second. */
  readonly rate: number;
  /** Milliseconds of each. */
  readonly latencies: readonly number[];
  /** Microseconds of the controller's processor time per request. */
  readonly cpu: number;
  readonly bodies: readonly string[];
}

/** Sends requests, `width` at once, each of which must succeed. */
export async function run(cloud: BenchCloud, width: number, requests: readonly Request[]): Promise<Run> {
  const latencies: number[] = [];
  const bodies: string[] = [];
  const cpu = await cloud.controller.call('cpu');
  const start = performance.now();
  await atOnce(width, requests.length, async (index, lane) => {
    const { method, path, body } = requests[index] as Request;
    const sent = performance.now();
    const answer = await cloud.lane(lane).send(method, path, body);
    latencies.push(performance.now() - sent);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    bodies[index] = answer.body;
  });
  const seconds = (performance.now() - start) / 1000;
  const spent = (await cloud.controller.call('cpu')) - cpu;
  return { rate: requests.length / seconds, latencies, cpu: spent / requests.length, bodies };
}

/** The value that `share` of the values do not exceed: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
