import type { FeedKind } from '@portward/model/feed.ts';
import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** Read access to the store, all of one moment. */
export type Reader = Kysely<Database>;

/**
 * One request's part of a write transaction. Nothing but the store may be awaited while it is open: others wait.
 * What it names as changed goes to the feed in the same transaction, in its final form.
 */
export interface Transaction {
  readonly db: Kysely<Database>;
  /** Time of the transaction, UTC to the second. */
  readonly now: string;
  /** The object was created or changed; its revision and `updated_at` are the rule's business. */
  changed(kind: FeedKind, id: string): void;
  deleted(kind: FeedKind, id: string): void;
  /** Tells every controller what this transaction means for tokens; see the identity room. */
  tellIdentity(patch: Record<string, unknown>): void;
}

/** A change as it is kept for those who follow; `object` is null when the object is gone. */
export type StoredChange = Database['changes'];

/** What a commit that added changes was about. */
export interface CommitEvent {
  /** Whether it concerns tokens. */
  readonly identity: boolean;
  /** The changes, in order; undefined: another controller's, which are to be read. */
  readonly changes: readonly StoredChange[] | undefined;
}

/** Loads objects as the feed carries them; ids that no longer exist are absent from the answer. */
export type FeedLoader = (db: Reader, kind: FeedKind, ids: string[]) => Promise<Map<string, Record<string, unknown>>>;

/** Reads and durable writes of everything the controller knows. */
export interface Store {
  read<T>(work: (db: Reader) => Promise<T>): Promise<T>;
  /** Runs `work` in a transaction; resolves once it is durable. An error undoes all that `work` did. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Calls back after each commit that added changes, whichever controller made it; answers how to stop that. */
  onCommit(listener: (event: CommitEvent) => void): () => void;
  close(): Promise<void>;
}

/** UTC to the second, as Neutron prints times. */
export const utcSeconds = (date: Date = new Date()): string => `${date.toISOString().slice(0, 19)}Z`;
