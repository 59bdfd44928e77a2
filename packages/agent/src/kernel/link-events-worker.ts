import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import { checked, KernelError, lastErrno, recv } from './libc.ts';
import { linkNames, type WatchDescriptors } from './link-events.ts';

/** poll.h, sys/socket.h, errno(3) */
const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

const poll = koffi.load('libc.so.6').func('int poll(_Inout_ uint8_t*, unsigned long, int)') as (
  descriptors: Buffer,
  count: number,
  timeoutMs: number,
) => number;

/** Waits in this thread, which has nothing else to do, until it is told to stop. */
function watch({ netlink, stop }: WatchDescriptors): void {
  // Two of struct pollfd: descriptor, events wanted, events seen.
  const polled = Buffer.alloc(16);
  for (const [index, descriptor] of [netlink, stop].entries()) {
    polled.writeInt32LE(descriptor, index * 8);
    polled.writeInt16LE(POLLIN, index * 8 + 4);
  }
  for (;;) {
    if (poll(polled, 2, -1) < 0) {
      if (lastErrno() === EINTR) continue;
      checked('poll', -1);
    }
    if (polled.readInt16LE(14) !== 0) return;
    const names = receive(netlink);
    if (names === undefined) parentPort?.postMessage([]);
    else if (names.size > 0) parentPort?.postMessage([...names]);
  }
}

const buffer = Buffer.alloc(1 << 16);

/** Names in all that is there to read; undefined when events were lost. */
function receive(netlink: number): Set<string> | undefined {
  const names = new Set<string>();
  let lost = false;
  for (;;) {
    const count = Number(recv(netlink, buffer, buffer.length, MSG_DONTWAIT));
    if (count >= 0) {
      for (const name of linkNames(buffer.subarray(0, count))) names.add(name);
      continue;
    }
    const errno = lastErrno();
    if (errno === EAGAIN) return lost ? undefined : names;
    if (errno === ENOBUFS) lost = true;
    else if (errno !== EINTR) throw new KernelError('recv', errno);
  }
}

watch(workerData as WatchDescriptors);
