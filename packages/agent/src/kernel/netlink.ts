import { checked, close, errorText, KernelError, recv, send, setsockopt, socket } from './libc.ts';
import { addHand, portOf } from './netlink-hands.ts';
import { inNetns } from './netns.ts';

/** Netlink: linux/netlink.h. Numbers are in the machine's order (little endian wherever Node's koffi runs with us). */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER = 16;
export const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

const SEND_BUFFER = 4 << 20;
/** struct timeval */
const TEN_SECONDS = Buffer.from([10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;

const align = (length: number): number => (length + 3) & ~3;

/** An attribute: length, type, payload, padding. */
export function attribute(type: number, ...parts: Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const whole = Buffer.alloc(align(4 + payload.length));
  whole.writeUInt16LE(4 + payload.length, 0);
  whole.writeUInt16LE(type, 2);
  payload.copy(whole, 4);
  return whole;
}

/** An attribute that holds attributes. */
export const nested = (type: number, ...attributes: Buffer[]): Buffer => attribute(type | NESTED, ...attributes);

export const text = (value: string): Buffer => Buffer.from(`${value}\0`);

export function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

export function uint16be(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

/** Calls back with type and payload of each attribute between two offsets. */
export function eachAttribute(data: Buffer, visit: (type: number, payload: Buffer) => void): void {
  for (let offset = 0; offset + 4 <= data.length; ) {
    const length = data.readUInt16LE(offset);
    if (length < 4) return;
    visit(data.readUInt16LE(offset + 2) & TYPE_MASK, data.subarray(offset + 4, offset + length));
    offset += align(length);
  }
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  /** The family's own header and the attributes. */
  readonly payload: Buffer;
}

/** A netlink socket of one network namespace: it stays there whichever namespace the thread is in later. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #letGo: () => void;
  readonly #buffer = Buffer.alloc(1 << 16);
  #sequence = 0;

  /** `namespace`: name of a network namespace, or empty for the agent's own. */
  constructor(namespace: string, protocol: number) {
    this.#fd = inNetns(namespace, () => checked('socket(AF_NETLINK)', socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)));
    setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, uint32(SEND_BUFFER), 4);
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, uint32(4 << 20), 4);
    // The kernel answers at once; a wait without end would hold the whole agent.
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, TEN_SECONDS, TEN_SECONDS.length);
    setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, uint32(1), 4);
    this.#letGo = addHand(portOf(this.#fd));
  }

  /** Sends one message and waits for the kernel's answer. Gives its error number, 0 for success. */
  request(message: Message): number {
    const { whole, sequence } = this.#numbered(message, NLM_F_ACK);
    checked('send', Number(send(this.#fd, whole, whole.length, 0)));
    return this.#answerTo(sequence);
  }

  /** The same of a request that the kernel may work on for long: it does so off the main thread. */
  async requestAside(message: Message): Promise<number> {
    const { whole, sequence } = this.#numbered(message, NLM_F_ACK);
    await aside('send', send, this.#fd, whole);
    return this.#answerTo(sequence);
  }

  /** The answer to a request, or the first error since another one. What is left of earlier answers is passed over. */
  #answerTo(sequence: number, since = sequence): number {
    for (;;) {
      const count = checked('recv', Number(recv(this.#fd, this.#buffer, this.#buffer.length, 0)));
      for (const reply of parseMessages(this.#buffer.subarray(0, count))) {
        if (reply.type !== NLMSG_ERROR || reply.sequence < since) continue;
        const errno = -reply.payload.readInt32LE(0);
        if (errno !== 0 || reply.sequence === sequence) return errno;
      }
    }
  }

  /**
   * Sends messages as one datagram and waits for the answer to the last but one, which asks for it: nfnetlink's
   * transactions, whose first and last message are their frame. `long`: the kernel works for more than some
   * milliseconds on it, off the main thread. Throws a KernelError for the first message that was refused.
   */
  async transaction(messages: readonly Message[], long: boolean): Promise<void> {
    const first = this.#sequence + 1;
    const asking = messages.length - 2;
    const datagram = Buffer.concat(
      messages.map((message, index) => this.#numbered(message, index === asking ? NLM_F_ACK : 0).whole),
    );
    // The kernel refuses what is larger than the buffer of all that is under way.
    setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, uint32(Math.max(SEND_BUFFER, 2 * datagram.length)), 4);
    if (long) await aside('send', send, this.#fd, datagram);
    else checked('send', Number(send(this.#fd, datagram, datagram.length, 0)));
    const errno = this.#answerTo(first + asking, first);
    if (errno !== 0) throw new KernelError('transaction', errno);
  }

  /**
   * Asks for a list and gives the payload of each message of the answer. The kernel may search long for it, as soon as
   * it is asked and again for each part: all of that is off the main thread. One list at a time.
   */
  async list(message: Message): Promise<Buffer[]> {
    const { whole, sequence } = this.#numbered(message, NLM_F_DUMP);
    await aside('send', send, this.#fd, whole);
    const found: Buffer[] = [];
    for (;;) {
      const count = await aside('recv', recv, this.#fd, this.#buffer);
      for (const reply of parseMessages(this.#buffer.subarray(0, count))) {
        if (reply.sequence !== sequence) continue;
        if (reply.type === NLMSG_DONE) return found;
        if (reply.type === NLMSG_ERROR) {
          const errno = -reply.payload.readInt32LE(0);
          if (errno !== 0) throw new KernelError('netlink', errno);
          return found;
        }
        found.push(Buffer.from(reply.payload));
      }
    }
  }

  close(): void {
    this.#letGo();
    close(this.#fd);
  }

  #numbered(message: Message, flags: number): { whole: Buffer; sequence: number } {
    this.#sequence += 1;
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(HEADER + message.payload.length, 0);
    header.writeUInt16LE(message.type, 4);
    header.writeUInt16LE(message.flags | flags | NLM_F_REQUEST, 6);
    header.writeUInt32LE(this.#sequence, 8);
    return { whole: Buffer.concat([header, message.payload]), sequence: this.#sequence };
  }
}

/** Sends or receives on a thread of its own; gives the number of bytes. */
async function aside(what: string, transfer: typeof send, fd: number, data: Buffer): Promise<number> {
  const count = await new Promise<number>((resolve, reject) =>
    transfer.async(fd, data, data.length, 0, (error, result) => (error ? reject(error) : resolve(Number(result)))),
  );
  if (count < 0) throw new Error(`${what} on a netlink socket failed`);
  return count;
}

function* parseMessages(data: Buffer): Generator<{ type: number; sequence: number; payload: Buffer }> {
  for (let offset = 0; offset + HEADER <= data.length; ) {
    const length = data.readUInt32LE(offset);
    if (length < HEADER) return;
    yield {
      type: data.readUInt16LE(offset + 4),
      sequence: data.readUInt32LE(offset + 8),
      payload: data.subarray(offset + HEADER, offset + length),
    };
    offset += align(length);
  }
}

/** An error unless the number is 0 or one of those that count as success. */
export function expect(what: string, errno: number, ...accepted: number[]): void {
  if (errno !== 0 && !accepted.includes(errno)) throw new Error(`${what}: ${errorText(errno)}`);
}
