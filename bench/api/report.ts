import { type Goal, goalTable, table } from '../report.ts';
import { FEW, FLAT, type Flatness } from './flatness.ts';
import type { Figures } from './operations.ts';

/** All that one run found out. */
export interface Report {
  /** Load of the machine per core while it ran, this benchmark's own included: well above 1, others were at work. */
  readonly load: number;
  readonly operations: readonly Figures[];
  readonly flatness: readonly Flatness[];
}

/** The goals for a machine with two cores, judged. */
function goalsOf({ operations, flatness }: Report): Goal[] {
  const find = (operation: string, width: number) =>
    operations.filter(
      (row) => row.resource === 'port forwardings' && row.operation === operation && row.width === width,
    );
  const atLeast = (what: string, rows: readonly Figures[], wanted: number): Goal[] =>
    rows.map(({ store, rate }) => ({
      what: `${what}, ${store}`,
      wanted: `≥ ${wanted}/s`,
      measured: `${rate.toFixed(0)}/s`,
      met: rate >= wanted,
    }));
  const onSqlite = (rows: readonly Figures[]) => rows.filter((row) => row.store === 'sqlite');
  return [
    ...atLeast('create a forwarding, one at a time', onSqlite(find('create', 1)), 1000),
    ...atLeast('create a forwarding, 8 at once', onSqlite(find('create', 8)), 2000),
    ...atLeast('show a forwarding, one at a time', onSqlite(find('show', 1)), 4000),
    ...atLeast('show a forwarding, 8 at once', onSqlite(find('show', 8)), 4000),
    ...onSqlite(find('list', 1)).map(({ store, p50 }) => ({
      what: `list 300 forwardings, ${store}`,
      wanted: '≤ 3 ms',
      measured: `${p50.toFixed(2)} ms`,
      met: p50 <= 3,
    })),
    ...[...Map.groupBy(flatness, (row) => row.store)].map(([store, rows]) => {
      const worst = Math.max(...rows.map((row) => row.ratio));
      return {
        what: `flat from ${FEW} to ${rows[0]?.forwardings} forwardings, ${store}`,
        wanted: `≤ ${FLAT}×`,
        measured: `${worst.toFixed(2)}×`,
        met: worst <= FLAT,
      };
    }),
  ];
}

/** The report for people: tables. */
export function reportText(report: Report): string {
  const parts = [
    table(
      ['store', 'resource', 'operation', 'at once', 'per s', 'p50 ms', 'p99 ms', 'CPU µs', 'of route', 'of store'],
      report.operations.map((row) => [
        row.store,
        row.resource,
        row.operation,
        row.width,
        row.rate.toFixed(0),
        row.p50.toFixed(2),
        row.p99.toFixed(2),
        row.cpu.toFixed(0),
        row.ofRoute.toFixed(2),
        row.ofStore.toFixed(2),
      ]),
    ),
  ];
  if (report.flatness.length > 0) {
    parts.push(
      table(
        ['store', 'floating IP', 'operation', 'forwardings', `ms at ${FEW}`, 'ms', 'ratio', 'CPU ratio'],
        report.flatness.map((row) => [
          row.store,
          row.where,
          row.operation,
          row.forwardings,
          row.few.toFixed(2),
          row.many.toFixed(2),
          row.ratio.toFixed(2),
          row.cpuRatio.toFixed(2),
        ]),
      ),
    );
  }
  parts.push(goalTable(goalsOf(report)));
  parts.push(`load of the machine per core: ${report.load.toFixed(1)}\n`);
  return parts.join('\n');
}

/** The report for machines. */
export const reportJson = (report: Report): string =>
  `${JSON.stringify({ ...report, goals: goalsOf(report) }, undefined, 2)}\n`;
