import { statSync } from 'node:fs';
import { Announcer } from './arp.ts';
import { Conntrack } from './conntrack.ts';
import { netnsPath } from './netns.ts';
import { NftElements } from './nft-elements.ts';
import { Nftables } from './nftables.ts';
import { Addresses } from './rtnetlink.ts';

/** The open sockets of one network namespace, made when first used. */
export class NamespaceSockets {
  readonly namespace: string;
  #nftables: Nftables | undefined;
  #elements: NftElements | undefined;
  #addresses: Addresses | undefined;
  #announcer: Announcer | undefined;
  #conntrack: Conntrack | undefined;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  get nftables(): Nftables {
    this.#nftables ??= new Nftables(this.namespace);
    return this.#nftables;
  }

  get elements(): NftElements {
    this.#elements ??= new NftElements(this.namespace);
    return this.#elements;
  }

  get addresses(): Addresses {
    this.#addresses ??= new Addresses(this.namespace);
    return this.#addresses;
  }

  get announcer(): Announcer {
    this.#announcer ??= new Announcer(this.namespace);
    return this.#announcer;
  }

  get conntrack(): Conntrack {
    this.#conntrack ??= new Conntrack(this.namespace);
    return this.#conntrack;
  }

  close(): void {
    this.#nftables?.close();
    this.#elements?.close();
    this.#addresses?.close();
    this.#announcer?.close();
    this.#conntrack?.close();
  }
}

/** Sockets of all namespaces in use. A socket keeps its namespace alive: they are closed when it shall go. */
export class Namespaces {
  readonly #open = new Map<string, { sockets: NamespaceSockets; inode: number }>();

  /** Sockets of the namespace that has this name now. Throws when there is none. */
  of(namespace: string): NamespaceSockets {
    const inode = namespace === '' ? 0 : statSync(netnsPath(namespace)).ino;
    const known = this.#open.get(namespace);
    if (known?.inode === inode) return known.sockets;
    known?.sockets.close();
    const sockets = new NamespaceSockets(namespace);
    this.#open.set(namespace, { sockets, inode });
    return sockets;
  }

  /** Closes the sockets of a namespace. */
  forget(namespace: string): void {
    this.#open.get(namespace)?.sockets.close();
    this.#open.delete(namespace);
  }

  /** Closes the sockets of namespaces that are not among those named. */
  retain(names: ReadonlySet<string>): void {
    for (const namespace of [...this.#open.keys()]) if (!names.has(namespace)) this.forget(namespace);
  }

  close(): void {
    this.retain(new Set());
  }
}
