import { existsSync, readFileSync } from 'node:fs';
import { inNetns } from './netns.ts';
import { run } from './run.ts';

/** A table as iptables-save prints it: chains that are not built in, and rules in order, each with its chain. */
export interface IptablesTable {
  table: string;
  chains: string[];
  rules: { chain: string; rule: string }[];
}

/** Reads the tables of a namespace. */
export async function readIptables(namespace: string): Promise<IptablesTable[]> {
  const output = await run(['iptables-save'], namespace === '' ? {} : { namespace });
  const tables: IptablesTable[] = [];
  for (const line of output.split('\n')) {
    const current = tables.at(-1);
    const chain = /^:(\S+) -/.exec(line)?.[1];
    const rule = /^-A (\S+) (.*)$/.exec(line);
    if (line.startsWith('*')) tables.push({ table: line.slice(1), chains: [], rules: [] });
    else if (chain !== undefined) current?.chains.push(chain);
    else if (rule) current?.rules.push({ chain: rule[1] ?? '', rule: (rule[2] ?? '').trim() });
  }
  return tables;
}

/** Runs text in iptables-restore's form: each table in one atomic step, what is not named stays. */
export async function restoreIptables(namespace: string, text: string): Promise<void> {
  await run(['iptables-restore', '--noflush', '--wait', '10'], {
    input: text,
    ...(namespace === '' ? {} : { namespace }),
  });
}

/** Whether the legacy form of iptables has tables in a namespace. */
export function hasLegacyTables(namespace: string): boolean {
  return inNetns(namespace, () => {
    const path = '/proc/thread-self/net/ip_tables_names';
    return existsSync(path) && readFileSync(path, 'utf8').trim() !== '';
  });
}
