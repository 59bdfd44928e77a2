import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { addHand, portOf } from './netlink-hands.ts';
import { inNetns } from './netns.ts';

/** nftables/libnftables.h */
const OUTPUT_JSON = 1 << 4;
const OUTPUT_TERSE = 1 << 11;

type Handle = object;
type RunBuffer = ((context: Handle, buffer: string) => number) & {
  async(context: Handle, buffer: string, done: (error: Error | null, result: number) => void): void;
};

interface Library {
  newContext(flags: number): Handle;
  freeContext(context: Handle): void;
  run: RunBuffer;
  bufferOutput(context: Handle): number;
  bufferError(context: Handle): number;
  output(context: Handle): string;
  error(context: Handle): string;
  setOutputFlags(context: Handle, flags: number): void;
}

let loaded: Library | undefined;

/** libnftables in this process. Throws an Error that names the package when it is not installed. */
export function libnftables(): Library {
  if (loaded) return loaded;
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load('libnftables.so.1');
  } catch {
    throw new Error("The library libnftables is not installed; Debian's package libnftables1 brings it");
  }
  loaded = {
    newContext: library.func('void* nft_ctx_new(uint32_t)'),
    freeContext: library.func('void nft_ctx_free(void*)'),
    run: library.func('int nft_run_cmd_from_buffer(void*, const char*)') as RunBuffer,
    bufferOutput: library.func('int nft_ctx_buffer_output(void*)'),
    bufferError: library.func('int nft_ctx_buffer_error(void*)'),
    output: library.func('const char* nft_ctx_get_output_buffer(void*)'),
    error: library.func('const char* nft_ctx_get_error_buffer(void*)'),
    setOutputFlags: library.func('void nft_ctx_output_set_flags(void*, unsigned int)'),
  };
  return loaded;
}

/** A transaction longer than this would hold the main thread for more than some milliseconds (about 1000 elements). */
const LONG = 64 * 1024;

/** How often a context is made until its socket is known. */
const MOST_TRIES = 20;

/** The library keeps state of its own: one call at a time in the whole process. */
let running: Promise<unknown> = Promise.resolve();

async function alone<T>(work: () => T | Promise<T>): Promise<T> {
  const before = running;
  const turn = Promise.withResolvers<void>();
  running = turn.promise;
  await before;
  try {
    return await work();
  } finally {
    turn.resolve();
  }
}

/** nftables of one network namespace. The context stays with the namespace in which it was made; an edit costs 0.05 ms. */
export class Nftables {
  readonly #library = libnftables();
  readonly #context: Handle;
  readonly #letGo: () => void;
  #closed = false;

  /** `namespace`: name of a network namespace, or empty for the agent's own. */
  constructor(namespace: string) {
    const { context, port } = this.#newContext(namespace);
    this.#context = context;
    this.#letGo = addHand(port);
    this.#library.bufferOutput(context);
    this.#library.bufferError(context);
  }

  /** A context, and the netlink port id of its socket, which the library hides: it gets the next descriptor. */
  #newContext(namespace: string): { context: Handle; port: number | undefined } {
    return inNetns(namespace, () => {
      for (let tries = 1; ; tries += 1) {
        const next = nextDescriptor();
        const context = this.#library.newContext(0);
        if (context === null) throw new Error('libnftables gave no context');
        const port = portOf(next);
        // Another thread may have opened or closed something just then.
        if (port !== undefined || tries === MOST_TRIES) return { context, port };
        this.#library.freeContext(context);
      }
    });
  }

  /** Runs commands as one transaction: all or nothing. Throws an Error with nft's explanation. */
  run(commands: string): Promise<void> {
    return alone(async () => {
      await this.#call(commands);
    });
  }

  /** Contents of a table as nft's JSON lists it, with all elements; empty when it is not there. */
  list(family: string, table: string): Promise<NftListing[]> {
    return this.#json(async () => {
      try {
        return parse(await this.#call(`list table ${family} ${table}`, true));
      } catch (error) {
        if (/No such file or directory/.test((error as Error).message)) return [];
        throw error;
      }
    }, OUTPUT_JSON);
  }

  /**
   * All that the namespace has of a family, without the elements of sets and maps. Of the library's lists (1.0.6) this
   * is the only one that does not fetch the elements all the same, which takes seconds where there are many.
   */
  outline(family: string): Promise<NftListing[]> {
    return this.#json(async () => parse(await this.#call(`list ruleset ${family}`, true)), OUTPUT_JSON | OUTPUT_TERSE);
  }

  /** Removes those of the tables that have nothing but hooks: what iptables leaves when all of its rules are gone. */
  async removeHollow(family: string, tables: readonly string[]): Promise<void> {
    const outline = await this.outline(family);
    const isOf =
      (name: string) =>
      ({ chain, rule, set, map }: NftListing): boolean =>
        (chain?.table === name && chain.hook === undefined) ||
        [rule, set, map].some((content) => content?.table === name);
    const hollow = tables.filter(
      (name) => outline.some(({ table }) => table?.name === name) && !outline.some(isOf(name)),
    );
    if (hollow.length > 0) await this.run(hollow.map((name) => `delete table ${family} ${name}\n`).join(''));
  }

  #json<T>(work: () => Promise<T>, flags: number): Promise<T> {
    return alone(async () => {
      this.#library.setOutputFlags(this.#context, flags);
      try {
        return await work();
      } finally {
        this.#library.setOutputFlags(this.#context, 0);
      }
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#letGo();
    this.#library.freeContext(this.#context);
  }

  async #call(commands: string, long = commands.length > LONG): Promise<string> {
    const result = long
      ? await new Promise<number>((resolve, reject) =>
          this.#library.run.async(this.#context, commands, (error, code) => (error ? reject(error) : resolve(code))),
        )
      : this.#library.run(this.#context, commands);
    const output = this.#library.output(this.#context);
    const error = this.#library.error(this.#context);
    if (result !== 0) throw new Error(`nftables: ${explanation(error)}`);
    return output;
  }
}

/** The descriptor that this thread's next socket or file gets: the lowest that is free. */
function nextDescriptor(): number {
  const descriptor = openSync('/dev/null', 'r');
  closeSync(descriptor);
  return descriptor;
}

/** The first complaint of nft, without the marks under the text. */
const explanation = (error: string): string =>
  error
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^[\s^~]+$/.test(line))
    .slice(0, 2)
    .join(' — ')
    .replace(/^<cmdline>:[\d:-]+ /, '')
    .slice(0, 400);

const parse = (json: string): NftListing[] =>
  json.trim() === '' ? [] : (JSON.parse(json) as { nftables: NftListing[] }).nftables;

/** An entry of nft's JSON, as far as the agent reads it (libnftables-json(5)). */
export interface NftListing {
  table?: { family: string; name: string };
  set?: NftListedSet;
  map?: NftListedSet;
  chain?: { family: string; table: string; name: string; type?: string; hook?: string; prio?: number };
  rule?: { family: string; table: string; chain: string; comment?: string };
}

export interface NftListedSet {
  family: string;
  table: string;
  name: string;
  /** Type of the keys; of keys of several parts, the type of each. */
  type?: string | string[];
  /** Type of a map's values. */
  map?: string | string[];
  flags?: string[];
  elem?: unknown[];
}
