/**
 * A worker of the prober that connects, with the C library's own calls: nothing of Node's lies between what is awaited
 * and the moment at which it is seen, and the attempts leave the processors to what they wait for.
 */
import { parentPort } from 'node:worker_threads';
import {
  checked,
  close,
  connect,
  getsockopt,
  lastErrno,
  poll,
  setsockopt,
  socket,
} from '@portward/agent/kernel/libc.ts';

export type Outcome = 'connected' | 'refused' | 'nothing';

/** Connect to an address until the outcome is this one; undefined: once. */
export interface Knock {
  readonly address: string;
  readonly port: number;
  readonly until: Outcome | undefined;
  /** Milliseconds after which silence is `nothing`. */
  readonly patience: number;
}

/** Times by `process.hrtime`, nanoseconds: when the last attempt began and ended. */
export interface Knocked {
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly beganAt: bigint;
  readonly endedAt: bigint;
}

/** Between two attempts, milliseconds. */
const BETWEEN = 0.1;
/** What takes longer than this is given up, milliseconds. */
const LIMIT = 10_000;
const BELL = new Int32Array(new SharedArrayBuffer(4));

/** asm-generic/socket.h, poll.h, errno.h */
const AF_INET = 2;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_LINGER = 13;
const POLLOUT = 4;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;
const EHOSTUNREACH = 113;
const EINPROGRESS = 115;
/** struct linger: what is closed is reset. */
const RESET = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

/** struct sockaddr_in */
function socketAddress(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  Buffer.from(address.split('.').map(Number)).copy(bytes, 4);
  return bytes;
}

/** The error that a socket met, 0 for none. */
function errorOf(fd: number): number {
  const value = Buffer.alloc(4);
  checked('getsockopt', getsockopt(fd, SOL_SOCKET, SO_ERROR, value, [value.length]));
  return value.readInt32LE(0);
}

/** Whether something became of what was begun on a socket (struct pollfd). */
function isDecided(fd: number, patience: number): boolean {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLLOUT, 4);
  return checked('poll', poll(entry, 1, patience)) > 0;
}

function connectOnce(to: Buffer, patience: number): Outcome {
  const fd = checked('socket', socket(AF_INET, SOCK_STREAM_CLOEXEC_NONBLOCK, 0));
  try {
    setsockopt(fd, SOL_SOCKET, SO_LINGER, RESET, RESET.length);
    let errno = connect(fd, to, to.length) === 0 ? 0 : lastErrno();
    if (errno === EINPROGRESS) errno = isDecided(fd, patience) ? errorOf(fd) : ETIMEDOUT;
    if (errno === 0) return 'connected';
    if (errno === ECONNREFUSED || errno === ECONNRESET) return 'refused';
    if (errno === ETIMEDOUT || errno === EHOSTUNREACH) return 'nothing';
    throw new Error(`connect: errno ${errno}`);
  } finally {
    close(fd);
  }
}

function knock({ address, port, until, patience }: Knock): Knocked {
  const to = socketAddress(address, port);
  const start = process.hrtime.bigint();
  for (let attempts = 1; ; attempts += 1) {
    const beganAt = process.hrtime.bigint();
    const outcome = connectOnce(to, patience);
    const endedAt = process.hrtime.bigint();
    if (until === undefined || outcome === until) return { outcome, attempts, beganAt, endedAt };
    if (Number(endedAt - start) / 1e6 > LIMIT) throw new Error(`port ${port}: not ${until} within ${LIMIT} ms`);
    Atomics.wait(BELL, 0, 0, BETWEEN);
  }
}

parentPort?.on('message', (wanted: Knock) => {
  try {
    parentPort?.postMessage(knock(wanted));
  } catch (error) {
    parentPort?.postMessage(error);
  }
});
