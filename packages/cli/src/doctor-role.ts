import type { AgentConfig } from '@portward/model/config.ts';
import { type AgentFlags, agentConfig } from './agent-role.ts';
import { examinations } from './doctor/examine.ts';
import type { Finding } from './doctor/finding.ts';
import { findingsText } from './doctor/print.ts';

/** Examines this host for an agent with this configuration; resolves with the exit code: 1 when something is wrong. */
export async function runDoctor(file: AgentConfig, flags: AgentFlags & { json?: boolean }): Promise<number> {
  const { stdout, stderr } = process;
  const findings: Finding[] = [];
  for (const { name, run } of examinations(agentConfig(file, flags))) {
    if (stderr.isTTY) stderr.write(`\r\x1b[K${name} …`);
    findings.push(...(await run()));
  }
  if (stderr.isTTY) stderr.write('\r\x1b[K');
  const colours = stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  stdout.write(flags.json ? `${JSON.stringify({ findings }, undefined, 2)}\n` : findingsText(findings, colours));
  return findings.some(({ status }) => status === 'error') ? 1 : 0;
}
