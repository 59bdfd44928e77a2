import { deviceIndex } from './kernel/rtnetlink.ts';
import { HOST } from './layout/item.ts';

/** Devices of the host's namespace that are named like taps, whoever made them, each with its index. */
export class Taps {
  readonly #indexes = new Map<string, number>();
  /** The names alone, kept up to date. */
  readonly names: ReadonlySet<string>;
  readonly #names = new Set<string>();
  /** Names of devices of which the kernel told something that has not been looked at yet. */
  readonly #told = new Set<string>();

  constructor() {
    this.names = this.#names;
  }

  /** Takes in that the kernel told of devices; they are looked at later, when nothing else is under way. */
  tell(names: readonly string[]): void {
    for (const name of names) this.#told.add(name);
  }

  /** Looks at the devices told of. Gives those taps that came, went or are others now, and all names that are gone. */
  look(): { changed: string[]; gone: string[] } {
    const changed: string[] = [];
    const gone: string[] = [];
    for (const name of this.#told) {
      const index = deviceIndex(HOST, name);
      if (index === undefined) gone.push(name);
      if (name.startsWith('tap') && this.#set(name, index)) changed.push(name);
    }
    this.#told.clear();
    return { changed, gone };
  }

  /** Takes over what was read from the kernel. Gives the taps that came, went or are others now. */
  adopt(found: ReadonlyMap<string, number>): string[] {
    const all = new Set([...this.#indexes.keys(), ...found.keys()]);
    return [...all].filter((name) => this.#set(name, found.get(name)));
  }

  #set(name: string, index: number | undefined): boolean {
    if (this.#indexes.get(name) === index) return false;
    if (index === undefined) {
      this.#indexes.delete(name);
      this.#names.delete(name);
    } else {
      this.#indexes.set(name, index);
      this.#names.add(name);
    }
    return true;
  }
}
