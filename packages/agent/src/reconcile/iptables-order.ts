import type { IptablesRuleItem, Item } from '../layout/item.ts';

/** Rank of a rule that stands before one that has to come first. */
const MISPLACED = -1;

/**
 * Gives rules of iptables that were read back, which know but their place, the rank that is wanted of them, unless
 * they stand where a rule of lower rank comes later: those differ from what is wanted, and are put right.
 */
export function withRanks(found: readonly Item[], wanted: (key: string) => Item | undefined): Item[] {
  const chains = new Map<string, IptablesRuleItem[]>();
  for (const item of found) {
    if (item.type !== 'iptables-rule') continue;
    const name = `${item.namespace}|${item.table}|${item.chain}`;
    const chain = chains.get(name);
    if (chain) chain.push(item);
    else chains.set(name, [item]);
  }
  if (chains.size === 0) return [...found];
  const ranks = new Map<string, number>();
  for (const chain of chains.values()) {
    let lowestLater = Number.POSITIVE_INFINITY;
    for (const { key } of chain.toSorted((a, b) => b.rank - a.rank)) {
      const rule = wanted(key);
      if (rule?.type !== 'iptables-rule') continue;
      ranks.set(key, rule.rank > lowestLater ? MISPLACED : rule.rank);
      lowestLater = Math.min(lowestLater, rule.rank);
    }
  }
  return found.map((item) =>
    item.type === 'iptables-rule' ? { ...item, rank: ranks.get(item.key) ?? item.rank } : item,
  );
}
