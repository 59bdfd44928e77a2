import { median, quantile } from '../api/timing.ts';
import type { BenchHost } from './bench-host.ts';
import type { Kind, Slice } from './load.ts';
import { nameOf, type Variant } from './variants.ts';

/** What was measured of one kind of packets with one variant. */
export interface Measurement extends Pick<Variant, 'layout' | 'misses' | 'forwardings'> {
  readonly kind: Kind;
  /** Connections, flows or misses per second of one processor: the median of all rounds. */
  readonly rate: number;
  /** That rate as a part of that of `one rule` in the same round: the median, and the quartiles. */
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
}

/** Packets may be lost where a queue of the kernel runs over; more than this would be something else. */
const ARRIVING = 0.98;

/**
 * Visits all hosts in each round, for one kind after the other, from the other end and from another place each time.
 * `round` is told before each.
 */
export async function measure(
  hosts: readonly BenchHost[],
  kinds: readonly Kind[],
  rounds: number,
  ms: number,
  onRound: (round: number) => void,
): Promise<Measurement[]> {
  const rates = new Map(kinds.map((kind) => [kind, new Map<BenchHost, number[]>()]));
  // The first round warms caches up, and counts for nothing.
  for (let round = -1; round < rounds; round++) {
    onRound(round);
    for (const kind of kinds) {
      for (const host of inTurn(
        hosts.filter(({ variant }) => variant.kinds.includes(kind)),
        round,
      )) {
        const slice = await host.slice(kind, ms);
        checkSlice(host.variant, kind, slice);
        const found = rates.get(kind);
        if (round >= 0) found?.set(host, [...(found.get(host) ?? []), slice.sent / slice.cpu]);
      }
    }
  }
  return kinds.flatMap((kind) => ratios(kind, rates.get(kind) ?? new Map()));
}

/** The hosts from another one on each round, in the other direction each second round. */
function inTurn<T>(hosts: readonly T[], round: number): T[] {
  const start = (Math.max(round, 0) >> 1) % hosts.length;
  const turned = [...hosts.slice(start), ...hosts.slice(0, start)];
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

function ratios(kind: Kind, rates: Map<BenchHost, number[]>): Measurement[] {
  const floor = [...rates].find(([host]) => host.variant.layout === 'one rule')?.[1] ?? [];
  return [...rates].map(([{ variant }, found]) => {
    const parts = found.map((rate, round) => rate / (floor[round] as number));
    const { layout, misses, forwardings } = variant;
    return {
      kind,
      layout,
      misses,
      forwardings,
      rate: median(found),
      ratio: median(parts),
      quartiles: [quantile(parts, 0.25), quantile(parts, 0.75)],
    };
  });
}
