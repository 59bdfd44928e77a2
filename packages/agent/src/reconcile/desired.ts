import { type Item, type NftFamily, type SysctlItem, sameValue } from '../layout/item.ts';
import type { Scope } from '../layout/scopes.ts';

/**
 * The desired items, by key, and which scopes want them. Several scopes may want the same item; should they differ
 * about its value, the scope that comes first by name has its way, whichever came first in time.
 */
export class Desired {
  readonly #items = new Map<string, Item>();
  readonly #keysOf = new Map<Scope, Set<string>>();
  /** One scope wants nearly every key: a map for each would cost more than the items. */
  readonly #owners = new Map<string, Scope | SharedItem>();
  /** Parameters and chains of each namespace, which are few and looked up each round. */
  readonly #sysctls = new Map<string, Map<string, SysctlItem>>();
  readonly #chains = new Map<string, number>();
  /** Devices of the host's namespace that the agent makes itself, each with the key of what wants it. */
  readonly #links = new Map<string, string>();

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#items.keys();
  }

  values(): IterableIterator<Item> {
    return this.#items.values();
  }

  keysOf(scope: Scope): Iterable<string> {
    return this.#keysOf.get(scope) ?? [];
  }

  /** A scope that wants the key. */
  ownerOf(key: string): Scope | undefined {
    const owners = this.#owners.get(key);
    return owners instanceof SharedItem ? owners.owner : owners;
  }

  scopes(): IterableIterator<Scope> {
    return this.#keysOf.keys();
  }

  /** Replaces what a scope wants. Gives the keys whose item came, went or changed. */
  set(scope: Scope, items: readonly Item[]): Set<string> {
    const before = this.#keysOf.get(scope);
    const changed = new Set<string>();
    const keys = new Set<string>();
    const replace = (key: string, item: Item | undefined): void => {
      const known = this.#items.get(key);
      if (item === undefined) this.#drop(key);
      else if (item !== known) this.#put(item);
      if (item === undefined || known === undefined || !sameValue(known, item)) changed.add(key);
    };
    for (const item of items) {
      keys.add(item.key);
      replace(item.key, this.#own(item, scope));
    }
    for (const key of before ?? []) if (!keys.has(key)) replace(key, this.#disown(key, scope));
    if (keys.size === 0) this.#keysOf.delete(scope);
    else this.#keysOf.set(scope, keys);
    return changed;
  }

  /** Parameters wanted, by namespace. */
  sysctls(): Iterable<[namespace: string, items: Iterable<SysctlItem>]> {
    return [...this.#sysctls].map(([namespace, items]) => [namespace, items.values()]);
  }

  /** Whether any chain of a family is wanted in a namespace; where none is, the table as a whole can go. */
  hasChains(namespace: string, family: NftFamily): boolean {
    return (this.#chains.get(`${namespace}|${family}`) ?? 0) > 0;
  }

  /** Whether the agent is to have a bridge, or its end of a pair, of this name in the host's namespace. */
  wantsLink(name: string): boolean {
    return this.#links.has(name);
  }

  /** Key of the bridge, or of the pair of devices, that a device of the host's namespace belongs to. */
  keyOfLink(name: string): string | undefined {
    return this.#links.get(name);
  }

  #put(item: Item): void {
    const isNew = !this.#items.has(item.key);
    this.#items.set(item.key, item);
    if (item.type === 'sysctl') {
      const found = this.#sysctls.get(item.namespace);
      if (found) found.set(item.key, item);
      else this.#sysctls.set(item.namespace, new Map([[item.key, item]]));
    } else if (item.type === 'nft-chain' && isNew) this.#countChain(item.namespace, item.family, 1);
    const link = linkOf(item);
    if (link !== undefined) this.#links.set(link, item.key);
  }

  #drop(key: string): void {
    const item = this.#items.get(key);
    this.#items.delete(key);
    if (item?.type === 'sysctl') {
      const found = this.#sysctls.get(item.namespace);
      if (found?.delete(key) && found.size === 0) this.#sysctls.delete(item.namespace);
    } else if (item?.type === 'nft-chain') this.#countChain(item.namespace, item.family, -1);
    const link = item && linkOf(item);
    if (link !== undefined) this.#links.delete(link);
  }

  #countChain(namespace: string, family: NftFamily, step: number): void {
    const place = `${namespace}|${family}`;
    this.#chains.set(place, (this.#chains.get(place) ?? 0) + step);
  }

  /** Notes that a scope wants an item. Gives the item that counts. */
  #own(item: Item, scope: Scope): Item {
    const owners = this.#owners.get(item.key);
    if (owners instanceof SharedItem) {
      owners.set(scope, item);
      return owners.item;
    }
    const known = this.#items.get(item.key);
    if (owners === undefined || owners === scope || known === undefined) {
      this.#owners.set(item.key, scope);
      return item;
    }
    const shared = new SharedItem(owners, known);
    shared.set(scope, item);
    this.#owners.set(item.key, shared);
    return shared.item;
  }

  /** Notes that a scope no longer wants a key. Gives the item that counts now, undefined when nobody wants one. */
  #disown(key: string, scope: Scope): Item | undefined {
    const owners = this.#owners.get(key);
    if (owners instanceof SharedItem) {
      owners.delete(scope);
      if (owners.size === 1) this.#owners.set(key, owners.owner);
      return owners.item;
    }
    if (owners !== scope) return this.#items.get(key);
    this.#owners.delete(key);
    return undefined;
  }
}

const linkOf = (item: Item): string | undefined =>
  item.type === 'bridge' ? item.name : item.type === 'device' ? item.tap : undefined;

/**
 * An item that several scopes want, as each wants it. Every forwarding may be among them, so the first by name is kept:
 * it is looked for only when it goes.
 */
class SharedItem {
  readonly #wanted: Map<Scope, Item>;
  #first: Scope;

  constructor(scope: Scope, item: Item) {
    this.#wanted = new Map([[scope, item]]);
    this.#first = scope;
  }

  get size(): number {
    return this.#wanted.size;
  }

  /** The scope that comes first by name: it has its way. */
  get owner(): Scope {
    return this.#first;
  }

  /** The item as its owner wants it. */
  get item(): Item {
    const item = this.#wanted.get(this.#first);
    if (item === undefined) throw new Error('an item is wanted by nobody');
    return item;
  }

  set(scope: Scope, item: Item): void {
    this.#wanted.set(scope, item);
    if (scope < this.#first) this.#first = scope;
  }

  delete(scope: Scope): void {
    this.#wanted.delete(scope);
    if (scope !== this.#first) return;
    let first: Scope | undefined;
    for (const other of this.#wanted.keys()) if (first === undefined || other < first) first = other;
    this.#first = first ?? scope;
  }
}
