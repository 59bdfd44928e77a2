import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Database } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** A key signs for so long before a new one takes over, milliseconds. */
const ROTATION_MS = 30 * 24 * 3600 * 1000;
const SECRET_BYTES = 32;
const ID_BYTES = 4;

interface SigningKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly createdAt: number;
}

/** A signature and the key that made it. */
export interface Signature {
  readonly keyId: string;
  readonly mac: string;
}

/**
 * The HMAC-SHA256 keys of tokens, kept in the store. The newest signs; older ones verify as long as a token that they
 * signed may live, then they go.
 */
export class SigningKeys {
  readonly #store: Store;
  readonly #tokenLifeMs: number;
  readonly #now: () => Date;
  /** Newest first. */
  #keys: readonly SigningKey[] = [];

  private constructor(store: Store, tokenLifeMs: number, now: () => Date) {
    this.#store = store;
    this.#tokenLifeMs = tokenLifeMs;
    this.#now = now;
  }

  /** Loads the keys; the first start makes one. */
  static async open(store: Store, tokenLifeMs: number, now: () => Date): Promise<SigningKeys> {
    const keys = new SigningKeys(store, tokenLifeMs, now);
    await keys.#renew(ROTATION_MS);
    return keys;
  }

  /** Lets a new key take over if the present one has signed long enough. */
  async rotateWhenDue(): Promise<void> {
    const newest = this.#keys[0];
    if (newest === undefined || this.#now().getTime() - newest.createdAt >= ROTATION_MS) await this.#renew(ROTATION_MS);
  }

  /** Lets a new key take over at once; tokens signed before stay good. */
  async rotate(): Promise<void> {
    await this.#renew(0);
  }

  sign(text: string): Signature {
    const key = this.#keys[0] as SigningKey;
    return { keyId: key.id, mac: createHmac('sha256', key.key).update(text).digest('base64url') };
  }

  /** Whether the key is still there. */
  holds(keyId: string): boolean {
    return this.#keys.some((key) => key.id === keyId);
  }

  verify(text: string, { keyId, mac }: Signature): boolean {
    const key = this.#keys.find((candidate) => candidate.id === keyId);
    if (key === undefined) return false;
    const expected = Buffer.from(createHmac('sha256', key.key).update(text).digest('base64url'));
    const given = Buffer.from(mac);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** Adds a key unless there is one younger than `maximumAge` (ms), and drops those that nothing valid can carry. */
  async #renew(maximumAge: number): Promise<void> {
    const rows = await this.#store.write(async (tx) => {
      const { db } = tx;
      const now = this.#now();
      const load = () =>
        db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').orderBy('id').execute();
      let keys = await load();
      const newest = keys[0];
      if (newest === undefined || now.getTime() - Date.parse(newest.created_at) >= maximumAge) {
        await db
          .insertInto('signing_keys')
          .values({
            id: randomBytes(ID_BYTES).toString('hex'),
            secret: randomBytes(SECRET_BYTES).toString('base64'),
            created_at: now.toISOString(),
          })
          .execute();
        keys = await load();
        tx.tellIdentity({ keys: true });
      }
      // A key stopped signing when its successor came.
      const spent = keys.filter((_, index) => {
        const successor = keys[index - 1];
        return successor !== undefined && Date.parse(successor.created_at) + this.#tokenLifeMs < now.getTime();
      });
      for (const { id } of spent) await db.deleteFrom('signing_keys').where('id', '=', id).execute();
      return keys.filter((key) => !spent.includes(key));
    });
    this.#take(rows);
  }

  /** Takes the keys that the store has now: another controller made or dropped one. */
  async reload(): Promise<void> {
    const rows = await this.#store.read((db) =>
      db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').orderBy('id').execute(),
    );
    this.#take(rows);
  }

  #take(rows: readonly Database['signing_keys'][]): void {
    this.#keys = rows.map((row) => ({
      id: row.id,
      key: createSecretKey(Buffer.from(row.secret, 'base64')),
      createdAt: Date.parse(row.created_at),
    }));
  }
}
