import type { Item } from '../layout/item.ts';
import type { Scope } from '../layout/scopes.ts';

/** One step from what is to what shall be. `item` is the wanted one, or, for `remove`, the one that is there. */
export interface Operation<I extends Item = Item> {
  readonly action: 'add' | 'change' | 'remove';
  readonly item: I;
  /** What is there before a change. */
  readonly before?: I;
  /** Whose it is, so that a failure can be told of it. */
  readonly scope: Scope;
}

/** Operations of one type, with the type known. */
export function ofType<T extends Item['type']>(
  operations: Iterable<Operation>,
  type: T,
): Operation<Extract<Item, { type: T }>>[] {
  const found: Operation<Extract<Item, { type: T }>>[] = [];
  for (const operation of operations) {
    if (operation.item.type === type) found.push(operation as Operation<Extract<Item, { type: T }>>);
  }
  return found;
}
