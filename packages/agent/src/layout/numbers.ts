/** Largest number: conntrack zones have 16 bits, and all of them are not ours to use. */
const LAST = 0xfffe;

/**
 * Small numbers for devices of this host: the mark of a port's packets, the conntrack zone of a network. They must not
 * change while connections live, so a restarted agent takes over those that it finds in the kernel.
 */
export class Numbers {
  readonly #byName = new Map<string, number>();
  readonly #taken = new Set<number>();
  #next = 1;

  /** Takes over a number found in the kernel, unless the name or the number is taken. */
  adopt(name: string, number: number): void {
    if (number < 1 || number > LAST || this.#byName.has(name) || this.#taken.has(number)) return;
    this.#byName.set(name, number);
    this.#taken.add(number);
  }

  /** Number of a device or bridge, given out on first use. Throws when all are taken. */
  of(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#taken.size >= LAST) throw new Error(`This host has more than ${LAST} ports and networks`);
    while (this.#taken.has(this.#next)) this.#next = this.#next === LAST ? 1 : this.#next + 1;
    const number = this.#next;
    this.#byName.set(name, number);
    this.#taken.add(number);
    this.#next = number === LAST ? 1 : number + 1;
    return number;
  }

  /** Gives back the numbers of names that are no longer in use. */
  retain(inUse: (name: string) => boolean): void {
    for (const [name, number] of this.#byName) {
      if (inUse(name)) continue;
      this.#byName.delete(name);
      this.#taken.delete(number);
    }
  }
}
