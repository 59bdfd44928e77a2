/** Answers that count for a time, at most so many: the least recently used one makes room. */
export class AnswerCache<T> {
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  /** `now`: milliseconds since 1970. */
  constructor(capacity: number, now: () => number) {
    this.#capacity = capacity;
    this.#now = now;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps an answer until a time, milliseconds since 1970. */
  set(key: string, value: T, until: number): void {
    this.#entries.delete(key);
    if (until <= this.#now()) return;
    this.#entries.set(key, { value, until });
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}
