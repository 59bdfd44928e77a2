import { type Goal, goalTable, table } from '../report.ts';

/** One command's runs, milliseconds. */
export interface Timed {
  readonly command: string;
  /** From its start to its end, as a whole process. */
  readonly wall: readonly number[];
  /** What of it was waiting for the cloud. */
  readonly waited: readonly number[];
}

export interface Report {
  /** Load of the machine per core while it ran, this benchmark's own included: well above 1, others were at work. */
  readonly load: number;
  readonly timed: readonly Timed[];
}

/** A command's own time may be so long, milliseconds. */
const OWN = 150;

const at = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;

/** Of each run, its wall time less what it waited for the cloud. */
const ownOf = ({ wall, waited }: Timed): number[] => wall.map((value, run) => value - (waited[run] ?? 0));

export function goalsOf({ timed }: Report): Goal[] {
  return timed
    .filter(({ command }) => command.startsWith('portward '))
    .map((row) => {
      const own = at(ownOf(row), 0.5);
      return {
        what: `${row.command}: own time, p50`,
        wanted: `≤ ${OWN} ms`,
        measured: `${own.toFixed(0)} ms`,
        met: own <= OWN,
      };
    });
}

/** The report for people: tables. `of node`: as a multiple of the first row in the same round. */
export function reportText(report: Report): string {
  const [first] = report.timed;
  const rows = report.timed.map((row) => {
    const ratios = row.wall.map((value, run) => value / (first?.wall[run] ?? Number.NaN));
    return [
      row.command,
      at(row.wall, 0.5).toFixed(0),
      at(row.wall, 0.9).toFixed(0),
      at(row.waited, 0.5).toFixed(0),
      at(ownOf(row), 0.5).toFixed(0),
      at(ratios, 0.5).toFixed(1),
    ];
  });
  const times = table(['command', 'p50 ms', 'p90 ms', 'waited ms', 'own ms', 'of node'], rows);
  return [times, goalTable(goalsOf(report)), `load of the machine per core: ${report.load.toFixed(1)}\n`].join('\n');
}
