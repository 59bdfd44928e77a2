import type { Finding, FindingStatus } from './finding.ts';

const MARKS: Record<FindingStatus, { mark: string; colour: string }> = {
  ok: { mark: '✓', colour: '32' },
  warning: { mark: '!', colour: '33' },
  error: { mark: '✗', colour: '31' },
  unknown: { mark: '?', colour: '36' },
};

/** Findings for people, a line each, with what to do below; `colours` on terminals only. */
export function findingsText(findings: readonly Finding[], colours: boolean): string {
  const paint = (text: string, colour: string): string => (colours ? `\x1b[${colour}m${text}\x1b[0m` : text);
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, status, found, mend }) => {
    const { mark, colour } = MARKS[status];
    const line = `${paint(mark, colour)} ${name.padEnd(width)}  ${found}`;
    return mend === undefined ? [line] : [line, `  ${''.padEnd(width)}  ${paint(`→ ${mend}`, colour)}`];
  });
  return `${[...lines, '', summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: FindingStatus): number => findings.filter(({ status }) => status === wanted).length;
  const parts = [
    [count('error'), 'wrong'],
    [count('warning'), 'to look at'],
    [count('unknown'), 'not found out'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return said.length === 0 ? 'All is well.' : `${said.join(', ')}; ${count('ok')} well.`;
}
