import { type Item, sameValue } from '../layout/item.ts';
import { allScopes, itemsOf, type Scope } from '../layout/scopes.ts';
import type { World } from '../layout/world.ts';
import { Desired } from './desired.ts';
import { withRanks } from './iptables-order.ts';
import type { Reconciler } from './reconciler.ts';

/** What is wanted when all is worked out from nothing, against what step after step has led to: a line a difference. */
export function recomputed(world: World, desired: Desired): string[] {
  const anew = new Desired();
  for (const scope of allScopes(world)) anew.set(scope, itemsOf(world, scope));
  return compare('wanted', anew, desired, () => false);
}

/** What the kernel has against what is wanted: a line a difference. Scopes that are known to fail are left out. */
export function unlike(found: readonly Item[], reconciler: Reconciler): string[] {
  const kernel = new Map<string, Item>();
  const { desired } = reconciler;
  for (const item of withRanks(found, (key) => desired.get(key))) kernel.set(item.key, item);
  const isExcused = (key: string): boolean => {
    const owner: Scope | undefined = desired.ownerOf(key);
    return owner !== undefined && reconciler.failureOf(owner) !== undefined;
  };
  return compare('in the kernel', desired, kernel, isExcused);
}

interface Items {
  get(key: string): Item | undefined;
  keys(): Iterable<string>;
}

function compare(where: string, right: Items, actual: Items, isExcused: (key: string) => boolean): string[] {
  const lines: string[] = [];
  for (const key of new Set([...right.keys(), ...actual.keys()])) {
    const [shall, is] = [right.get(key), actual.get(key)];
    if (shall !== undefined && is !== undefined && sameValue(is, shall)) continue;
    if (!isExcused(key)) lines.push(`${where}: ${key} is ${JSON.stringify(is)}, should be ${JSON.stringify(shall)}`);
  }
  return lines;
}
