import { readSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type Heard, type LinkEvent, type LostAddress, nothingHeard, readEvents } from './event-messages.ts';
import { checked, close, KernelError, lastErrno, poll, recv } from './libc.ts';

/** poll.h, sys/socket.h, errno(3) */
const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

/** What this thread is told. Descriptors are its own from then on: it closes them. */
export type Command =
  | { readonly netlink: number; readonly namespace: string }
  | { readonly process: number; readonly name: string }
  | { readonly close: number }
  | { readonly stop: true };

/** What it tells. */
export type Message =
  | {
      readonly namespace: string;
      readonly links: readonly LinkEvent[];
      readonly lostAddresses: readonly LostAddress[];
      /** See `Heard`. */
      readonly hands: readonly number[];
      /** There were more events than the kernel keeps. */
      readonly lost: boolean;
    }
  | { readonly ended: string; readonly descriptor: number };

/** What it is started with: the eventfd that wakes it, and where it says that it has loaded everything. */
export interface WorkerData {
  readonly wake: number;
  readonly loaded: Int32Array;
}

const port = parentPort as NonNullable<typeof parentPort>;
const say = (message: Message): void => port.postMessage(message);
const { wake, loaded } = workerData as WorkerData;
Atomics.store(loaded, 0, 1);
Atomics.notify(loaded, 0);
const sources = new Map<number, Exclude<Command, { close: number } | { stop: true }>>();

/** Waits in this thread, which has nothing else to do, until it is told to stop. */
function listen(): void {
  for (;;) {
    const descriptors = [wake, ...sources.keys()];
    // struct pollfd: descriptor, events wanted, events seen.
    const polled = Buffer.alloc(8 * descriptors.length);
    for (const [index, descriptor] of descriptors.entries()) {
      polled.writeInt32LE(descriptor, index * 8);
      polled.writeInt16LE(POLLIN, index * 8 + 4);
    }
    if (poll(polled, descriptors.length, -1) < 0) {
      if (lastErrno() === EINTR) continue;
      checked('poll', -1);
    }
    for (const [index, descriptor] of descriptors.entries()) {
      if (index > 0 && polled.readInt16LE(index * 8 + 6) !== 0) hear(descriptor);
    }
    if (polled.readInt16LE(6) !== 0 && !obey()) break;
  }
  for (const descriptor of sources.keys()) close(descriptor);
}

/** Does what was told; answers false when that is to stop. */
function obey(): boolean {
  readSync(wake, Buffer.alloc(8));
  for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port)) {
    const command = told.message as Command;
    if ('stop' in command) return false;
    if ('close' in command) {
      if (sources.delete(command.close)) close(command.close);
    } else sources.set('process' in command ? command.process : command.netlink, command);
  }
  return true;
}

function hear(descriptor: number): void {
  const source = sources.get(descriptor);
  if (source === undefined) return;
  if ('process' in source) {
    sources.delete(descriptor);
    close(descriptor);
    say({ ended: source.name, descriptor });
    return;
  }
  const { heard, lost } = receive(descriptor);
  const { links, lostAddresses, hands } = heard;
  if (links.length === 0 && lostAddresses.length === 0 && hands.size === 0 && !lost) return;
  say({ namespace: source.namespace, links, lostAddresses, hands: [...hands], lost });
}

const buffer = Buffer.alloc(1 << 16);

/** All that is there to read. */
function receive(descriptor: number): { heard: Heard; lost: boolean } {
  const heard: Heard = nothingHeard();
  let lost = false;
  for (;;) {
    const count = Number(recv(descriptor, buffer, buffer.length, MSG_DONTWAIT));
    if (count >= 0) {
      readEvents(buffer.subarray(0, count), heard);
      continue;
    }
    const errno = lastErrno();
    if (errno === EAGAIN) return { heard, lost };
    if (errno === ENOBUFS) lost = true;
    else if (errno !== EINTR) throw new KernelError('recv', errno);
  }
}

listen();
