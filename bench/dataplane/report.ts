import { type Goal, goalTable, table } from '../report.ts';
import type { Kind } from './load.ts';
import type { Measurement } from './measure.ts';
import type { Variant } from './variants.ts';

/** How long the agent took to bring a host's routers into the kernel. */
export interface Loading extends Pick<Variant, 'layout' | 'misses' | 'forwardings'> {
  readonly seconds: number;
}

/** A variant that was not measured, and why. */
export interface Skipped extends Pick<Variant, 'layout' | 'misses' | 'forwardings'> {
  readonly reason: string;
}

/** All that one run found out. */
export interface Report {
  /** Load of the machine per core while it ran, this benchmark's own included: well above 1, others were at work. */
  readonly load: number;
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
  readonly loadings: readonly Loading[];
  readonly skipped: readonly Skipped[];
}

const KINDS: Record<Kind, string> = { tcp: 'TCP connections', udp: 'UDP flows', scan: 'scan misses' };

/** Parts of the rate of one rule that nftables is to reach, by the number of forwardings. */
const GOALS: readonly [kind: Kind, least: Readonly<Record<number, number>>][] = [
  ['tcp', { 1000: 0.97, 10000: 0.95, 60000: 0.9 }],
  ['udp', { 1000: 0.95, 10000: 0.92, 60000: 0.85 }],
];

const goalsOf = ({ measurements }: Report): Goal[] =>
  GOALS.flatMap(([kind, least]) =>
    measurements.flatMap((row) => {
      const wanted = least[row.forwardings];
      if (row.kind !== kind || row.layout !== 'nftables' || wanted === undefined) return [];
      return {
        what: `${KINDS[kind]}, nftables, ${row.forwardings} forwardings`,
        wanted: `≥ ${wanted.toFixed(2)}`,
        measured: row.ratio.toFixed(3),
        met: row.ratio >= wanted,
      };
    }),
  );

/** The report for people: tables. */
export function reportText(report: Report): string {
  const parts = [
    table(
      ['new', 'layout', 'misses', 'forwardings', 'per CPU s', 'of one rule', 'quartiles'],
      report.measurements.map(({ kind, layout, misses, forwardings, rate, ratio, quartiles }) => [
        KINDS[kind],
        layout,
        misses,
        forwardings,
        rate.toFixed(0),
        ratio.toFixed(3),
        quartiles.map((part) => part.toFixed(3)).join(' – '),
      ]),
    ),
    table(
      ['layout', 'misses', 'forwardings, TCP and UDP', 'loaded in s'],
      report.loadings.map(({ layout, misses, forwardings, seconds }) => [
        layout,
        misses,
        `${forwardings} + ${forwardings}`,
        seconds.toFixed(1),
      ]),
    ),
  ];
  for (const { layout, forwardings, reason } of report.skipped) {
    parts.push(`skipped: ${layout} with ${forwardings} forwardings: ${reason}\n`);
  }
  parts.push(goalTable(goalsOf(report)));
  parts.push(`load of the machine per core: ${report.load.toFixed(1)}\n`);
  return parts.join('\n');
}

/** The report for machines. */
export const reportJson = (report: Report): string =>
  `${JSON.stringify({ ...report, goals: goalsOf(report) }, undefined, 2)}\n`;
