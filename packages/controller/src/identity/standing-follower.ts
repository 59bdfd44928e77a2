import type { Reader, Store } from '../store/store.ts';
import { type StandingPatch, TokenStanding } from './token-standing.ts';

/**
 * Keeps the table of what makes tokens stand in step with the store, whichever controller changes it: every change of
 * identity says in the feed what it means, and is entered here in the order of commits.
 */
export class StandingFollower {
  readonly #store: Store;
  readonly #stop: () => void;
  #standing: TokenStanding;
  /** All changes up to this one are in the table. */
  #position: number;
  #under: Promise<void> | undefined;
  /** Whether something was committed after the look that is under way began. */
  #again = false;
  /** Called when a controller made or dropped a signing key. */
  #keysChanged: () => Promise<void> = async () => {};

  static async open(store: Store): Promise<StandingFollower> {
    const { standing, position } = await store.read(load);
    return new StandingFollower(store, standing, position);
  }

  private constructor(store: Store, standing: TokenStanding, position: number) {
    this.#store = store;
    this.#standing = standing;
    this.#position = position;
    this.#stop = store.onCommit(({ identity }) => {
      // While the store is away nothing can be read; it tells once it is back.
      if (identity) this.catchUp().catch(() => {});
    });
  }

  get standing(): TokenStanding {
    return this.#standing;
  }

  onKeysChanged(listener: () => Promise<void>): void {
    this.#keysChanged = listener;
  }

  /** Resolves when everything that is committed now is in the table. */
  async catchUp(): Promise<void> {
    this.#again = true;
    this.#under ??= this.#read().finally(() => {
      this.#under = undefined;
    });
    await this.#under;
  }

  close(): void {
    this.#stop();
  }

  async #read(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const next = await this.#store.read(async (db) => {
        const { oldest, newest } = await bounds(db);
        // It was away for so long that changes which it has not seen are forgotten.
        if (this.#position < oldest - 1) return { ...(await load(db)), keys: true };
        const patches = await db
          .selectFrom('changes')
          .select('object')
          .where('kind', '=', 'identity')
          .where('seq', '>', this.#position)
          .orderBy('seq')
          .execute();
        return { patches: patches.map((row) => row.object as StandingPatch), position: newest };
      });
      this.#position = Math.max(this.#position, next.position);
      if ('standing' in next) this.#standing = next.standing;
      else for (const patch of next.patches) this.#standing.apply(patch);
      if ('standing' in next || next.patches.some((patch) => patch.keys)) await this.#keysChanged();
    }
  }
}

async function load(db: Reader): Promise<{ standing: TokenStanding; position: number }> {
  return { standing: await TokenStanding.load(db), position: (await bounds(db)).newest };
}

async function bounds(db: Reader): Promise<{ oldest: number; newest: number }> {
  const row = await db
    .selectFrom('changes')
    .select(({ fn }) => [fn.min('seq').as('oldest'), fn.max('seq').as('newest')])
    .executeTakeFirst();
  return { oldest: Number(row?.oldest ?? 0), newest: Number(row?.newest ?? 0) };
}
