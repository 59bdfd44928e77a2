import { AsyncLocalStorage } from 'node:async_hooks';
import { statements } from '@portward/controller/store/statements.ts';
import type { CommitEvent, Reader, Store, Transaction } from '@portward/controller/store/store.ts';

type Statement = Parameters<Reader['executeQuery']>[0];

/** The statements of one transaction. */
export interface Recorded {
  readonly writes: boolean;
  readonly statements: Statement[];
}

/**
 * A store that can write down the statements of each transaction and run them again, without the rules that made them:
 * what the store alone costs.
 */
export class RecordingStore implements Store {
  readonly #store: Store;
  /** The transaction that a statement belongs to, whatever else goes on meanwhile. */
  readonly #transaction = new AsyncLocalStorage<Recorded>();
  #tape: Recorded[] | undefined;

  constructor(store: Store) {
    this.#store = store;
    statements.subscribe((statement) => this.#transaction.getStore()?.statements.push(statement as Statement));
  }

  read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    return this.#store.read((db) => this.#record(false, () => work(db)));
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#store.write((tx) => this.#record(true, () => work(tx)));
  }

  #record<T>(writes: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#tape === undefined) return work();
    const recorded: Recorded = { writes, statements: [] };
    this.#tape.push(recorded);
    return this.#transaction.run(recorded, work);
  }

  onCommit(listener: (event: CommitEvent) => void): () => void {
    return this.#store.onCommit(listener);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  startRecording(): void {
    this.#tape = [];
  }

  /** The transactions since `startRecording`. */
  stopRecording(): Recorded[] {
    const tape = this.#tape ?? [];
    this.#tape = undefined;
    return tape;
  }

  /** Runs one recorded transaction again; resolves once it is durable. */
  replay({ writes, statements: recorded }: Recorded): Promise<void> {
    const run = async (db: Reader): Promise<void> => {
      for (const statement of recorded) await db.executeQuery(statement);
    };
    return writes ? this.#store.write((tx) => run(tx.db)) : this.#store.read(run);
  }
}
