import type { IptablesRuleItem } from '../layout/item.ts';
import { type Operation, ofType } from './operation.ts';

/**
 * Text for `iptables-restore --noflush` that carries the operations of one namespace out, table by table.
 * `wantedIn` gives all rules that a chain shall have: one that has to take its place before others makes the chain be
 * written anew, any other is appended.
 */
export function iptablesTransaction(
  operations: readonly Operation[],
  wantedIn: (table: string, chain: string) => IptablesRuleItem[],
): string {
  const chains = ofType(operations, 'iptables-chain');
  const rules = ofType(operations, 'iptables-rule');
  const tables = new Set([...chains, ...rules].map(({ item }) => item.table));
  const lines: string[] = [];
  for (const table of tables) {
    const byChain = Map.groupBy(
      rules.filter(({ item }) => item.table === table),
      ({ item }) => item.chain,
    );
    const added = chains.filter(({ item, action }) => item.table === table && action === 'add');
    const gone = chains.filter(({ item, action }) => item.table === table && action === 'remove');
    lines.push(`*${table}`, ...added.map(({ item }) => `:${item.chain} - [0:0]`));
    for (const [chain, mine] of byChain) lines.push(...chainLines(chain, mine, () => wantedIn(table, chain)));
    lines.push(...gone.map(({ item }) => `-F ${item.chain}`), ...gone.map(({ item }) => `-X ${item.chain}`), 'COMMIT');
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function chainLines(
  chain: string,
  operations: readonly Operation<IptablesRuleItem>[],
  wanted: () => IptablesRuleItem[],
): string[] {
  const removed = operations.filter(({ action }) => action !== 'add');
  const added = operations.filter(({ action }) => action !== 'remove').map(({ item }) => item);
  const lines = removed.map(({ item }) => `-D ${chain} ${item.rule}`);
  const ranked = added.toSorted((a, b) => a.rank - b.rank);
  const lowest = ranked[0]?.rank;
  if (lowest === undefined) return lines;
  const addedKeys = new Set(added.map(({ key }) => key));
  const later = wanted().filter((rule) => rule.rank > lowest && !addedKeys.has(rule.key));
  // What comes after is taken out and put back in the same step.
  return [
    ...lines,
    ...later.map(({ rule }) => `-D ${chain} ${rule}`),
    ...[...ranked, ...later].toSorted((a, b) => a.rank - b.rank).map(({ rule }) => `-A ${chain} ${rule}`),
  ];
}
