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
 * what the store alone costs. While it records, requests must come one at a time.
 */
export class RecordingStore implements Store {
  readonly #store: Store;
  #tape: Recorded[] | undefined;

  constructor(store: Store) {
    this.#store = store;
    statements.subscribe((statement) => this.#tape?.at(-1)?.statements.push(statement as Statement));
  }

  read<T>(work: (db: Reader) => Promise<T>): Promise<T> {
    return this.#store.read((db) => {
      this.#tape?.push({ writes: false, statements: [] });
      return work(db);
    });
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#store.write((tx) => {
      this.#tape?.push({ writes: true, statements: [] });
      return work(tx);
    });
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
