import { median, quantile } from '../api/timing.ts';
import type { BenchHost } from './bench-host.ts';
import type { Kind, Slice } from './load.ts';
import { nameOf, type Variant } from './variants.ts';

/** What was measured of one kind of packets with one variant. */
export interface Measurement extends Pick<Variant, 'layout' | 'misses' | 'forwardings'> {
  readonly kind: Kind;
  /** Connections, flows or misses per second of one processor: the median of all slices. */
  readonly rate: number;
  /** That rate as a part of that of the floor's slice beside it: the median, and the quartiles. */
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
}

/** Slices of a variant, each with the floor's that was measured right before or after it: rates. */
interface Pairs {
  readonly own: number[];
  readonly floor: number[];
}

/** Packets may be lost where a queue of the kernel runs over; more than this would be something else. */
const ARRIVING = 0.98;

/**
 * Visits all hosts in each round, for one kind after the other, from another one and in the other direction each time.
 * Every slice of `ms` milliseconds has one of the floor beside it, before it in one round and after it in the next: what
 * else happens on the machine meets both. `onRound` is told before each round.
 */
export async function measure(
  floor: BenchHost,
  hosts: readonly BenchHost[],
  kinds: readonly Kind[],
  rounds: number,
  ms: number,
  onRound: (round: number) => void,
): Promise<Measurement[]> {
  const rate = async (host: BenchHost, kind: Kind): Promise<number> => {
    const slice = await host.slice(kind, ms);
    checkSlice(host.variant, kind, slice);
    return slice.sent / slice.cpu;
  };
  const found = kinds.map((kind) => {
    const measured = hosts.filter(({ variant }) => variant.kinds.includes(kind));
    return { kind, pairs: new Map(measured.map((host): [BenchHost, Pairs] => [host, { own: [], floor: [] }])) };
  });
  // The first round warms caches up, and counts for nothing.
  for (let round = -1; round < rounds; round++) {
    if (round >= 0) onRound(round);
    for (const { kind, pairs } of found) {
      for (const [host, pair] of inTurn([...pairs], round + 1)) {
        const isFloorFirst = round % 2 === 0;
        const before = isFloorFirst ? await rate(floor, kind) : undefined;
        const own = await rate(host, kind);
        const beside = before ?? (await rate(floor, kind));
        if (round < 0) continue;
        pair.own.push(own);
        pair.floor.push(beside);
      }
    }
  }
  return found.flatMap(({ kind, pairs }) => [
    summary(kind, floor.variant, { own: [...pairs.values()].flatMap((pair) => pair.floor), floor: [] }),
    ...[...pairs].map(([{ variant }, pair]) => summary(kind, variant, pair)),
  ]);
}

/** The list from another place on with each round, in the other direction each second round. */
function inTurn<T>(list: readonly T[], round: number): T[] {
  const start = (round >> 1) % list.length;
  const turned = [...list.slice(start), ...list.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Throws unless packets went where they should: rates of packets that get lost say nothing. */
function checkSlice(variant: Variant, kind: Kind, { sent, arrived, answered }: Slice): void {
  const through = kind === 'scan' ? 0 : sent;
  const back = kind === 'udp' || (kind === 'scan' && variant.misses === 'drop') ? 0 : sent;
  const strays = Math.max(10, sent * (1 - ARRIVING));
  if (Math.abs(arrived - through) <= strays && (kind === 'tcp' || Math.abs(answered - back) <= strays)) return;
  throw new Error(`${nameOf(variant)}, ${kind}: of ${sent} sent ${arrived} arrived and ${answered} were answered`);
}

function summary(kind: Kind, { layout, misses, forwardings }: Variant, { own, floor }: Pairs): Measurement {
  const parts = floor.length === 0 ? [1] : own.map((rate, index) => rate / (floor[index] as number));
  return {
    kind,
    layout,
    misses,
    forwardings,
    rate: median(own),
    ratio: median(parts),
    quartiles: [quantile(parts, 0.25), quantile(parts, 0.75)],
  };
}
