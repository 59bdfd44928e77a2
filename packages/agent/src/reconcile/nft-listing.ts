import type { NftListedSet, NftListing } from '../kernel/nftables.ts';
import type { Item, NftChainItem, NftFamily, NftHook } from '../layout/item.ts';
import { nftChain, nftElement, nftSet } from '../layout/make-item.ts';

/** Mark of a rule that is not the agent's: it equals none, so that its chain is put right. */
const FOREIGN = 'foreign';

/** The items that the tables of a name amount to, in nft's JSON list of one namespace. */
export function nftItems(namespace: string, listing: readonly NftListing[], table: string): Item[] {
  const items: Item[] = [];
  const marks = new Map<string, string[]>();
  for (const { set, map, chain, rule } of listing) {
    if ((set ?? map ?? chain ?? rule)?.table !== table) continue;
    if (set) items.push(...setItems(namespace, set, false));
    else if (map) items.push(...setItems(namespace, map, true));
    else if (chain) {
      const own: string[] = [];
      marks.set(`${chain.family} ${chain.name}`, own);
      items.push(withMarks(nftChain(namespace, chain.family as NftFamily, chain.name, [], hookOf(chain)), own));
    } else if (rule) marks.get(`${rule.family} ${rule.chain}`)?.push(rule.comment ?? FOREIGN);
  }
  return items;
}

const withMarks = (chain: NftChainItem, marks: readonly string[]): NftChainItem => ({ ...chain, marks });

function hookOf(chain: NonNullable<NftListing['chain']>): NftHook | null {
  if (chain.hook === undefined) return null;
  return {
    type: chain.type as NftHook['type'],
    hook: chain.hook as NftHook['hook'],
    priority: chain.prio ?? 0,
  };
}

function setItems(namespace: string, set: NftListedSet, isMap: boolean): Item[] {
  const family = set.family as NftFamily;
  const items: Item[] = [nftSet(namespace, family, set.name, declarationOf(set), isMap)];
  for (const entry of set.elem ?? []) {
    if (isMap) {
      const [key, data] = entry as [unknown, unknown];
      items.push(nftElement(namespace, family, set.name, elementText(key), elementText(data)));
    } else items.push(nftElement(namespace, family, set.name, elementText(entry)));
  }
  return items;
}

/** A set's declaration as the layout writes it. */
function declarationOf({ type = '', map, flags = [] }: NftListedSet): string {
  const types = [type, ...(map === undefined ? [] : [map])].map((part) => [part].flat().join(' . '));
  return `type ${types.join(' : ')};${flags.length === 0 ? '' : ` flags ${flags.join(',')};`}`;
}

/** An element's key or value as nft's text has it. */
function elementText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { concat, elem, goto, jump, prefix } = value as {
    concat?: unknown[];
    elem?: { val: unknown };
    goto?: { target: string };
    jump?: { target: string };
    prefix?: { addr: string; len: number };
  };
  if (concat) return concat.map(elementText).join(' . ');
  if (elem) return elementText(elem.val);
  if (goto) return `goto ${goto.target}`;
  if (jump) return `jump ${jump.target}`;
  if (prefix) return `${prefix.addr}/${prefix.len}`;
  return JSON.stringify(value);
}
