import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';

/** What one argon2id hash costs. */
export interface HashCost {
  /** Memory, KiB. */
  readonly memory: number;
  /** Passes over the memory. */
  readonly passes: number;
  /** Lanes. */
  readonly parallelism: number;
}

/** OWASP's minimum for argon2id; about 35 ms of one core. */
export const DEFAULT_COST: HashCost = { memory: 19_456, passes: 2, parallelism: 1 };

const NONCE_BYTES = 16;
const TAG_BYTES = 32;

interface Hash extends HashCost {
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

/**
 * Hashes and checks passwords with argon2id, off the event loop. Hashes beyond `simultaneous` wait their turn, so that
 * a burst of sign-ins takes neither all memory nor the threads that file access needs.
 */
export class Passwords {
  readonly #cost: HashCost;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #decoy: Promise<string> | undefined;

  constructor(cost: HashCost = DEFAULT_COST, simultaneous: number = Math.min(2, availableParallelism())) {
    this.#cost = cost;
    this.#free = simultaneous;
  }

  /** The PHC string of a password, with a nonce of its own. */
  async hash(password: string): Promise<string> {
    const nonce = randomBytes(NONCE_BYTES);
    return format({ ...this.#cost, nonce, tag: await this.#derive(password, nonce, this.#cost, TAG_BYTES) });
  }

  /**
   * Whether the password belongs to the PHC string. Null (an unknown user, one without a password) costs as much time
   * as a wrong password, so that time does not tell who exists.
   */
  async verify(password: string, phc: string | null): Promise<boolean> {
    this.#decoy ??= this.hash(randomBytes(NONCE_BYTES).toString('hex'));
    const stored = parse(phc ?? (await this.#decoy));
    const tag = await this.#derive(password, stored.nonce, stored, stored.tag.length);
    return timingSafeEqual(tag, stored.tag) && phc !== null;
  }

  async #derive(password: string, nonce: Buffer, cost: HashCost, tagLength: number): Promise<Buffer> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      const { memory, passes, parallelism } = cost;
      return await new Promise<Buffer>((resolve, reject) => {
        argon2('argon2id', { message: password, nonce, memory, passes, parallelism, tagLength }, (error, tag) =>
          error === null ? resolve(tag) : reject(error),
        );
      });
    } finally {
      // The turn is handed over rather than freed: nobody can come in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

function format({ memory, passes, parallelism, nonce, tag }: Hash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
}

function parse(phc: string): Hash {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(phc);
  if (match === null) throw new Error('A stored password hash is not argon2id in PHC form');
  const [, memory, passes, parallelism, nonce, tag] = match;
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce as string, 'base64'),
    tag: Buffer.from(tag as string, 'base64'),
  };
}
