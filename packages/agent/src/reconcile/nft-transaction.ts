import { ipVersion } from '@portward/model/ip-address.ts';
import { isPlainElement } from '../kernel/nft-elements.ts';
import {
  type NftChainItem,
  type NftElementItem,
  type NftFamily,
  type NftSetItem,
  OWNER,
  sameHook,
} from '../layout/item.ts';
import { type Operation, ofType } from './operation.ts';

type NftItem = NftSetItem | NftChainItem | NftElementItem;

/** Elements of one command: nft's parser takes a while over very long lists. */
const BATCH = 500;

/**
 * nft's commands for the operations of one namespace, as one transaction: what is named comes before what names it.
 * A base chain is never made anew: between two registrations of its hook packets would pass it by.
 * `emptied`: families of which nothing is wanted any more; their tables go as a whole.
 */
export function nftTransaction(operations: readonly Operation[], emptied: ReadonlySet<NftFamily>): string {
  const lines: string[] = [];
  const all = operations.filter(
    ({ item }) => (isNft(item) && !emptied.has(item.family)) as boolean,
  ) as readonly Operation<NftItem>[];
  for (const family of emptied) lines.push(`add table ${family} ${OWNER}`, `delete table ${family} ${OWNER}`);
  const sets = ofType(all, 'nft-set');
  const chains = ofType(all, 'nft-chain');
  const changedSets = sets.filter(({ action }) => action === 'change');
  // The elements of a set that goes, go with it.
  const going = new Set(sets.filter(({ action }) => action === 'remove').map(({ item }) => path(item, item.name)));
  const elements = ofType(all, 'nft-element').filter(
    ({ action, item }) => action !== 'remove' || !going.has(path(item, item.set)),
  );
  const wanted = all.filter(({ action }) => action !== 'remove');
  for (const family of new Set(wanted.map(({ item }) => item.family))) lines.push(`add table ${family} ${OWNER}`);
  // A set is made anew when no rule names it.
  for (const family of new Set(changedSets.map(({ item }) => item.family)))
    lines.push(`flush table ${family} ${OWNER}`);
  for (const { item, before = item } of changedSets) lines.push(`delete ${setWord(before)} ${path(item, item.name)}`);
  for (const { action, item } of sets) {
    if (action !== 'remove') lines.push(`add ${setWord(item)} ${path(item, item.name)} { ${item.declaration} }`);
  }
  for (const { action, item, before } of chains) {
    if (action === 'remove') continue;
    if (before !== undefined && !sameHook(before.hook, item.hook)) {
      lines.push(`flush chain ${path(item, item.name)}`, `delete chain ${path(item, item.name)}`);
    }
    lines.push(`add chain ${path(item, item.name)}${hookText(item)}`);
  }
  lines.push(
    ...elementLines(
      'delete',
      elements.filter(({ action }) => action !== 'add').map(({ before, item }) => before ?? item),
    ),
  );
  for (const { action, item } of chains) {
    if (action === 'remove') continue;
    lines.push(`flush chain ${path(item, item.name)}`);
    for (const [index, rule] of item.rules.entries()) {
      lines.push(`add rule ${path(item, item.name)} ${rule} comment "${item.marks[index]}"`);
    }
  }
  lines.push(
    ...elementLines(
      'add',
      elements.filter(({ action }) => action !== 'remove').map(({ item }) => item),
    ),
  );
  const goneChains = chains.filter(({ action }) => action === 'remove');
  for (const { item } of goneChains) lines.push(`flush chain ${path(item, item.name)}`);
  for (const { item } of goneChains) lines.push(`delete chain ${path(item, item.name)}`);
  for (const { action, item } of sets) {
    if (action === 'remove') lines.push(`delete ${setWord(item)} ${path(item, item.name)}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/**
 * The operations as changes of elements of the `ip` table, if they are nothing else and none is of a kind that only nft
 * knows: what deletes and adds forwardings. Such changes go to the kernel directly.
 */
export function elementChanges(
  operations: readonly Operation[],
): { gone: NftElementItem[]; wanted: NftElementItem[] } | undefined {
  const gone: NftElementItem[] = [];
  const wanted: NftElementItem[] = [];
  for (const { action, item, before = item } of operations) {
    if (item.type !== 'nft-element' || before.type !== 'nft-element' || item.family !== 'ip') return undefined;
    if (!isPlainElement(item)) return undefined;
    if (action !== 'add') gone.push(before);
    if (action !== 'remove') wanted.push(item);
  }
  return { gone, wanted };
}

export const isNft = (item: { type: string }): item is NftItem =>
  item.type === 'nft-set' || item.type === 'nft-chain' || item.type === 'nft-element';

const setWord = (item: NftSetItem): string => (item.map ? 'map' : 'set');

const path = (item: NftItem, name: string): string => `${item.family} ${OWNER} ${name}`;

function hookText({ hook }: NftChainItem): string {
  if (hook === null) return '';
  return ` { type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept; }`;
}

function elementLines(verb: 'add' | 'delete', elements: readonly NftElementItem[]): string[] {
  const bySet = new Map<string, NftElementItem[]>();
  for (const element of elements) {
    const set = path(element, element.set);
    const found = bySet.get(set);
    if (found) found.push(element);
    else bySet.set(set, [element]);
  }
  const lines: string[] = [];
  for (const [set, list] of bySet) {
    for (let start = 0; start < list.length; start += BATCH) {
      const texts = list.slice(start, start + BATCH).map((element) => elementText(verb, element));
      lines.push(`${verb} element ${set} { ${texts.join(', ')} }`);
    }
  }
  return lines;
}

function elementText(verb: 'add' | 'delete', { element, data }: NftElementItem): string {
  const key = element.split(' . ').map(quoted).join(' . ');
  return data === null || verb === 'delete' ? key : `${key} : ${data}`;
}

/** Names of devices are quoted: some are words of nft's language. Anything else would be a way to smuggle commands in. */
function quoted(part: string): string {
  if (/^\d+$/.test(part) || part === 'tcp' || part === 'udp' || part === 'sctp') return part;
  if (ipVersion(part.replace(/\/\d{1,3}$/, '')) !== undefined) return part;
  if (!/^[\w.@+-]{1,15}$/.test(part)) throw new Error(`'${part}' is no name of a device`);
  return `"${part}"`;
}
