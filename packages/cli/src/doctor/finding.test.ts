import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Finding,
  judgeAgent,
  judgeBridgeFilter,
  judgeConnectionTracking,
  judgeOpenFiles,
  judgeSkew,
  judgeSpace,
} from './finding.ts';
import { findingsText } from './print.ts';

type Judgement = Omit<Finding, 'name'>;

const agent = { alive: true, heartbeat_timestamp: '2026-11-25 08:00:00', applied_seq: 9, position: 9, drift: 0 };
const tracked = (max: number, buckets: number, ...counts: [string, number][]) =>
  judgeConnectionTracking({ max, buckets, counts: new Map(counts) });

/** What is judged, how, and what it says. */
const CASES: readonly [string, Judgement, Finding['status'], RegExp][] = [
  ['an empty table', tracked(262_144, 65_536, ['', 0]), 'ok', /^0 of 262144 connections, 65536 buckets$/],
  ['a full one', tracked(1000, 1000, ['', 5], ['qrouter-1', 990]), 'error', /990 of 1000 connections in qrouter-1/],
  ['nearly full', tracked(1000, 1000, ['snat-1', 800]), 'warning', /800 of 1000/],
  ['few buckets', tracked(1_000_000, 1024, ['', 5]), 'warning', /1024 buckets/],
  ['one clock', judgeSkew(0), 'ok', /^as the controller’s$/],
  ['a slow clock', judgeSkew(-7), 'warning', /^7 s behind the controller’s$/],
  ['a fast clock', judgeSkew(3600), 'error', /^3600 s ahead of the controller’s$/],
  ['no agent', judgeAgent(undefined, 'h1'), 'warning', /no agent of host h1/],
  ['a good agent', judgeAgent(agent, 'h1'), 'ok', /all changes carried out/],
  ['a dead agent', judgeAgent({ ...agent, alive: false }, 'h1'), 'error', /silent since 2026-11-25 08:00:00 UTC/],
  ['a slow agent', judgeAgent({ ...agent, applied_seq: 5 }, 'h1'), 'warning', /4 changes behind/],
  ['an agent with drift', judgeAgent({ ...agent, drift: 3 }, 'h1'), 'warning', /3 things of its own/],
  ['room', judgeSpace(1e9, '/run'), 'ok', /1000 MB free for \/run/],
  ['little room', judgeSpace(10e6, '/run'), 'warning', /10 MB/],
  ['no room', judgeSpace(0, '/run'), 'error', /0 MB/],
  ['many files', judgeOpenFiles(Number.POSITIVE_INFINITY), 'ok', /any number/],
  ['few files', judgeOpenFiles(1024), 'warning', /1024 open files/],
  ['a filter', judgeBridgeFilter('1'), 'ok', /^on$/],
  ['a filter that is off', judgeBridgeFilter('0'), 'warning', /do not hold/],
  ['no filter', judgeBridgeFilter(undefined), 'error', /not there/],
];

for (const [what, { status, found, mend }, wanted, says] of CASES) {
  test(`doctor: ${what}`, () => {
    assert.equal(status, wanted);
    assert.match(found, says);
    assert.equal(mend === undefined, status === 'ok', 'what is not well has a remedy');
  });
}

test('findings are lines with what to do below; colours on request only', () => {
  const findings: Finding[] = [
    { name: 'one', status: 'ok', found: 'fine' },
    { name: 'another', status: 'error', found: 'broken', mend: 'Mend it' },
    { name: 'third', status: 'unknown', found: 'not tried' },
  ];
  assert.equal(
    findingsText(findings, false),
    `✓ one      fine
✗ another  broken
           → Mend it
? third    not tried

1 wrong, 1 not found out; 1 well.
`,
  );
  assert.ok(findingsText(findings, true).startsWith('\x1b[32m✓\x1b[0m one      fine\n'));
  assert.match(findingsText(findings.slice(0, 1), false), /\n\nAll is well\.\n$/);
});
