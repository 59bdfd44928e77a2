import { type Goal, goalTable, table } from '../report.ts';
import type { Seen } from './prober.ts';
import type { Passed } from './traffic.ts';

/** Names of the changes that have goals. */
export const MADE = 'POST → first connection';
export const DELETED = 'DELETE → refusal';

/** Times of one kind of change, milliseconds. */
export interface Change {
  readonly what: string;
  /** Forwardings of the router meanwhile. */
  readonly present: number;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Until the answer to the request, p50. */
  readonly answer: number;
}

/** A restart of the agent. */
export interface Resync {
  /** How it found the kernel. */
  readonly kernel: 'as it was left' | 'with an empty map';
  readonly present: number;
  /** From the start of the process to its first report. */
  readonly milliseconds: number;
  /** Processor seconds of the agent until then: its own, and the kernel's for it. */
  readonly user: number;
  readonly system: number;
  readonly passed: Passed;
}

export interface Report {
  /** Load of the machine per core while it ran, this benchmark's own included: well above 1, others were at work. */
  readonly load: number;
  readonly changes: readonly Change[];
  readonly resyncs: readonly Resync[];
}

export function summary(seen: readonly Seen[]): Omit<Change, 'what' | 'present'> {
  const sorted = seen.map(({ effectMs }) => effectMs).sort((a, b) => a - b);
  const answers = seen.map(({ answerMs }) => answerMs).sort((a, b) => a - b);
  const at = (list: readonly number[], part: number): number =>
    list[Math.min(list.length - 1, Math.floor(list.length * part))] ?? Number.NaN;
  return {
    samples: sorted.length,
    p50: at(sorted, 0.5),
    p99: at(sorted, 0.99),
    worst: at(sorted, 1),
    answer: at(answers, 0.5),
  };
}

/** Changes that have goals; the others are shown beside them. */
const WITH_GOALS: readonly string[] = [MADE, DELETED];

/** The goals for a machine with two cores, judged. */
export function goalsOf({ changes, resyncs }: Report): Goal[] {
  const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;
  const ofChanges = changes
    .filter(({ what }) => WITH_GOALS.includes(what))
    .flatMap(({ what, present, p50, p99 }) => [
      { what: `${what}, ${present} present, p50`, wanted: '≤ 3 ms', measured: milliseconds(p50), met: p50 <= 3 },
      { what: `${what}, ${present} present, p99`, wanted: '≤ 15 ms', measured: milliseconds(p99), met: p99 <= 15 },
    ]);
  const ofResyncs = resyncs.flatMap(({ kernel, present, system, passed }) => {
    const name = `resync of ${present}, kernel ${kernel}`;
    const lost = passed.datagrams - passed.datagramsBack;
    const failed = passed.connections - passed.connected;
    return [
      ...(present === 60_000
        ? [{ what: `${name}: kernel work`, wanted: '≤ 0.6 s', measured: `${system.toFixed(2)} s`, met: system <= 0.6 }]
        : []),
      {
        what: `${name}: open connection, datagrams lost`,
        wanted: 'held, 0',
        measured: `${passed.connectionHeld ? 'held' : 'cut'}, ${lost}`,
        met: passed.connectionHeld && lost === 0,
      },
      ...(kernel === 'as it was left'
        ? [{ what: `${name}: new connections that failed`, wanted: '0', measured: String(failed), met: failed === 0 }]
        : []),
    ];
  });
  return [...ofChanges, ...ofResyncs];
}

/** The report for people: tables. */
export function reportText(report: Report): string {
  const changes = table(
    ['change', 'present', 'samples', 'p50 ms', 'p99 ms', 'worst ms', 'answer p50 ms'],
    report.changes.map((row) => [
      row.what,
      row.present,
      row.samples,
      row.p50.toFixed(2),
      row.p99.toFixed(2),
      row.worst.toFixed(2),
      row.answer.toFixed(2),
    ]),
  );
  const resyncs = table(
    [
      'agent finds the kernel',
      'present',
      'report after ms',
      'own CPU s',
      'kernel CPU s',
      'UDP lost',
      'longest gap ms',
      'TCP',
    ],
    report.resyncs.map(({ kernel, present, milliseconds, user, system, passed }) => [
      kernel,
      present,
      milliseconds.toFixed(0),
      user.toFixed(2),
      system.toFixed(2),
      `${passed.datagrams - passed.datagramsBack} of ${passed.datagrams}`,
      passed.longestGapMs.toFixed(0),
      `${passed.connectionHeld ? 'held' : 'cut'}, ${passed.connected} of ${passed.connections} new`,
    ]),
  );
  const goals = goalTable(goalsOf(report));
  return [changes, resyncs, goals, `load of the machine per core: ${report.load.toFixed(1)}\n`].join('\n');
}
