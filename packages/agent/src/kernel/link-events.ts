import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { checked, close, setsockopt, socket } from './libc.ts';
import { eachAttribute, NETLINK_ROUTE, uint32 } from './netlink.ts';

/** linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, sys/eventfd.h, sys/socket.h */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const RTMGRP_LINK = 1;
const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const IFLA_IFNAME = 3;
const MESSAGE_HEADER = 16;
const LINK_HEADER = 16;

const library = koffi.load('libc.so.6');
const bind = library.func('int bind(int, const void*, uint32_t)') as (fd: number, to: Buffer, size: number) => number;
const eventfd = library.func('int eventfd(unsigned int, int)') as (initial: number, flags: number) => number;

/** What the thread that waits is given: open descriptors, closed when it has ended. */
export interface WatchDescriptors {
  netlink: number;
  /** Becomes readable when the watch shall end. */
  stop: number;
}

/**
 * Watches the devices of the network namespace that this process is in: `onChange` gets the names of those that came,
 * went or changed; an empty list when there were more events than the kernel keeps, so that all must be looked at.
 * Events from the return of this function on are told. Throws an Error when the kernel offers no such events.
 */
export function watchLinks(onChange: (names: string[]) => void): { stop(): void } {
  const netlink = checked('socket(AF_NETLINK)', socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE));
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(RTMGRP_LINK, 8);
  checked('bind(AF_NETLINK)', bind(netlink, address, address.length));
  setsockopt(netlink, SOL_SOCKET, SO_RCVBUFFORCE, uint32(4 << 20), 4);
  const descriptors: WatchDescriptors = { netlink, stop: checked('eventfd', eventfd(0, EFD_CLOEXEC_NONBLOCK)) };

  // Node's own loop cannot wait for such a descriptor. Options that Node was started with are not for this thread.
  const worker = new Worker(new URL('./link-events-worker.ts', import.meta.url), {
    workerData: descriptors,
    execArgv: [],
  });
  let stopped = false;
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    process.off('exit', stop);
    // What eventfd(2) takes: a number of eight octets.
    writeSync(descriptors.stop, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  };
  // At its end Node waits for its threads, and this one does not listen to it.
  process.on('exit', stop);
  worker.on('message', (names: string[]) => {
    if (!stopped) onChange(names);
  });
  worker.on('error', (error) => process.emitWarning(`Devices are no longer watched: ${error}`));
  worker.on('exit', () => {
    stopped = true;
    process.off('exit', stop);
    close(descriptors.netlink);
    close(descriptors.stop);
  });
  // Last, for a listener brings the reference back.
  worker.unref();
  return { stop };
}

/** Names of the devices in a piece of netlink messages, each once. */
export function linkNames(data: Buffer): Set<string> {
  const names = new Set<string>();
  for (let offset = 0; offset + MESSAGE_HEADER <= data.length; ) {
    const length = data.readUInt32LE(offset);
    if (length < MESSAGE_HEADER) break;
    const type = data.readUInt16LE(offset + 4);
    if (type === RTM_NEWLINK || type === RTM_DELLINK) {
      eachAttribute(data.subarray(offset + MESSAGE_HEADER + LINK_HEADER, offset + length), (attribute, payload) => {
        if (attribute === IFLA_IFNAME) names.add(payload.toString('utf8').replace(/\0.*$/s, ''));
      });
    }
    offset += (length + 3) & ~3;
  }
  return names;
}
