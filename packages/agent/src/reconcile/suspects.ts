/** Namespaces that an audit looks at; `everything`: all that there are, and whatever else is the agent's. */
export type Audited = ReadonlySet<string> | 'everything';

/** Gathers what is to be compared with what it should be, until somebody does it. */
export class Suspects {
  #namespaces = new Set<string>();
  #everything = false;

  add(namespaces: Iterable<string> | 'everything'): void {
    if (namespaces === 'everything') this.#everything = true;
    else for (const namespace of namespaces) this.#namespaces.add(namespace);
  }

  /** Takes out what has been gathered; undefined when there is nothing. */
  take(): Audited | undefined {
    const taken = this.#everything ? 'everything' : this.#namespaces.size > 0 ? this.#namespaces : undefined;
    this.#everything = false;
    this.#namespaces = new Set();
    return taken;
  }
}
