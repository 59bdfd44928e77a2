import type { Namespaces } from '../kernel/namespaces.ts';
import type { AddressItem } from '../layout/item.ts';

/** Milliseconds after the first announcement at which it is repeated, as Neutron's agent does. */
const REPEATS = [2000, 4000] as const;

/** Tells neighbours of new addresses, a few times, in the background. */
export class Announcements {
  readonly #namespaces: Namespaces;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
  }

  /** Announces an address now and again later while it is still wanted. */
  start(item: AddressItem, mac: string, isWanted: () => boolean): void {
    this.#announce(item, mac);
    for (const delay of REPEATS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (isWanted()) this.#announce(item, mac);
      }, delay);
      timer.unref();
      this.#timers.add(timer);
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #announce(item: AddressItem, mac: string): void {
    const address = item.address.split('/')[0] ?? '';
    try {
      this.#namespaces.of(item.namespace).announcer.announce(item.device, mac, address, !isDhcp(item));
    } catch {
      // The namespace went in the meantime: there is nothing left to announce.
    }
  }
}

const isDhcp = ({ namespace }: AddressItem): boolean => namespace.startsWith('qdhcp-');
