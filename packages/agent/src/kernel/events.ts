import { type FSWatcher, mkdirSync, statSync, watch, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { LinkEvent } from './event-messages.ts';
import type { Command, Message, WorkerData } from './events-worker.ts';
import { attachFilter, bind, checked, close, eventfd, ifIndexToName, pidfdOpen, setsockopt, socket } from './libc.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, uint32 } from './netlink.ts';
import { isForeign } from './netlink-hands.ts';
import { inNetns, isNetns, NETNS_DIRECTORY, netnsPath } from './netns.ts';

/** linux/netlink.h, linux/rtnetlink.h, nfnetlink.h, sys/eventfd.h, asm-generic/socket.h */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const LINKS = 1;
const ADDRESSES_ROUTES_RULES = 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | (1 << 18);
const NFNLGRP_NFTABLES = 1 << 6;
/** How long the end of the process waits for a thread that has just been started, milliseconds. */
const LONGEST_LOADING = 5000;
const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;

/**
 * Lets only the notification pass that ends each of nftables' transactions (NFT_MSG_NEWGEN): it says who made it, and a
 * load of 60,000 elements is not worth hearing about one by one. Classic BPF reads the message's type in network order.
 */
const ONLY_NEWGEN = [
  { code: 0x28, jt: 0, jf: 0, k: 4 },
  { code: 0x15, jt: 0, jf: 1, k: 0x0f0a },
  { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
  { code: 0x06, jt: 0, jf: 0, k: 0 },
];

/** What the kernel tells; calls come on the main thread, in order. */
export interface KernelListener {
  /** Devices of a namespace (empty: the host's) came, went or changed; none are named when there were too many. */
  devices(namespace: string, links: readonly LinkEvent[]): void;
  /** Somebody else changed addresses, routes, policy rules or nftables of a namespace. */
  changed(namespace: string): void;
  /** A device of a namespace lost an IPv6 address (`address/prefix`), by whose hand ever. */
  addressLost(namespace: string, device: string, address: string): void;
  /** A namespace that is watched has no name any more. */
  namespaceGone(namespace: string): void;
  /** A process that is watched has ended. */
  ended(name: string): void;
}

interface Watched {
  readonly inode: number;
  readonly descriptors: readonly number[];
}

/**
 * Listens to the kernel: devices and nftables of the network namespace that this process is in, everything of the
 * namespaces that are named to it, and the end of processes. Changes made by this agent itself are not told, except of
 * devices. Throws an Error when the kernel offers no such events.
 */
export class KernelEvents {
  readonly #listener: KernelListener;
  readonly #worker: Worker;
  readonly #wake: number;
  /** Holds 1 once the worker has loaded what it needs. */
  readonly #loaded = new Int32Array(new SharedArrayBuffer(4));
  readonly #namespaces = new Map<string, Watched>();
  readonly #processes = new Map<string, { pid: number; descriptor: number }>();
  readonly #names: FSWatcher | undefined;
  #stopped = false;

  constructor(listener: KernelListener) {
    this.#listener = listener;
    this.#wake = checked('eventfd', eventfd(0, EFD_CLOEXEC_NONBLOCK));
    // Node's own loop cannot wait for such a descriptor. Options that Node was started with are not for this thread.
    this.#worker = new Worker(new URL('./events-worker.ts', import.meta.url), {
      workerData: { wake: this.#wake, loaded: this.#loaded } satisfies WorkerData,
      execArgv: [],
    });
    this.#worker.on('message', (message: Message) => {
      if (!this.#stopped) this.#heard(message);
    });
    this.#worker.on('error', (error) => process.emitWarning(`The kernel is no longer listened to: ${error}`));
    this.#worker.on('exit', () => {
      this.#stopped = true;
      process.off('exit', this.#end);
      close(this.#wake);
    });
    process.on('exit', this.#end);
    this.#listen('', LINKS);
    mkdirSync(NETNS_DIRECTORY, { recursive: true });
    this.#names = watchNames((name) => this.#nameChanged(name));
    // Last, for a listener brings the reference back.
    this.#worker.unref();
  }

  /** Listens to a namespace from now on; one that has the name of an earlier one takes its place. */
  watchNamespace(namespace: string): void {
    if (this.#stopped) return;
    const inode = inodeOf(namespace);
    if (inode === undefined || this.#namespaces.get(namespace)?.inode === inode) return;
    this.forgetNamespace(namespace);
    this.#listen(namespace, LINKS | ADDRESSES_ROUTES_RULES);
  }

  /** What listens to a namespace keeps it alive: it is to be forgotten when it goes. */
  forgetNamespace(namespace: string): void {
    const watched = this.#namespaces.get(namespace);
    if (watched === undefined) return;
    this.#namespaces.delete(namespace);
    for (const descriptor of watched.descriptors) this.#tell({ close: descriptor });
  }

  /** Namespaces that are listened to, the host's apart. */
  get namespaces(): string[] {
    return [...this.#namespaces.keys()].filter((name) => name !== '');
  }

  /** Waits for the end of a process, under a name of which there is one; undefined: no longer. */
  watchProcess(name: string, pid: number | undefined): void {
    const known = this.#processes.get(name);
    if (this.#stopped || known?.pid === pid) return;
    if (known) {
      this.#processes.delete(name);
      this.#tell({ close: known.descriptor });
    }
    if (pid === undefined) return;
    const descriptor = pidfdOpen(pid);
    if (descriptor < 0) {
      // It ended just now.
      setImmediate(() => this.#listener.ended(name));
      return;
    }
    this.#processes.set(name, { pid, descriptor });
    this.#tell({ process: descriptor, name });
  }

  stop(): void {
    this.#names?.close();
    this.#stop();
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#tell({ stop: true });
  }

  /**
   * At its end Node waits for its threads, and this one does not listen to it. One that is ended while it loads a
   * native module takes the whole process along with a crash.
   */
  readonly #end = (): void => {
    this.#stop();
    Atomics.wait(this.#loaded, 0, 0, LONGEST_LOADING);
  };

  #listen(namespace: string, groups: number): void {
    const descriptors = inNetns(namespace, () => [
      openListener(NETLINK_ROUTE, groups),
      openListener(NETLINK_NETFILTER, NFNLGRP_NFTABLES),
    ]);
    this.#namespaces.set(namespace, { inode: inodeOf(namespace) ?? 0, descriptors });
    for (const descriptor of descriptors) this.#tell({ netlink: descriptor, namespace });
  }

  #tell(command: Command): void {
    this.#worker.postMessage(command);
    // What eventfd(2) takes: a number of eight octets.
    writeSync(this.#wake, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  }

  #heard(message: Message): void {
    if ('ended' in message) {
      if (this.#processes.get(message.ended)?.descriptor !== message.descriptor) return;
      this.#processes.delete(message.ended);
      this.#listener.ended(message.ended);
      return;
    }
    const { namespace, links, lostAddresses, hands, lost } = message;
    // Of a namespace that was forgotten meanwhile.
    if (!this.#namespaces.has(namespace)) return;
    if (lost) {
      this.#listener.devices(namespace, []);
      return;
    }
    if (links.length > 0) this.#listener.devices(namespace, links);
    for (const { device, address } of lostAddresses) {
      const name = isThere(namespace) ? inNetns(namespace, () => ifIndexToName(device, Buffer.alloc(16))) : null;
      if (name !== null) this.#listener.addressLost(namespace, name, address);
    }
    if (hands.some(isForeign)) this.#listener.changed(namespace);
  }

  #nameChanged(name: string | null): void {
    if (name !== null && this.#namespaces.has(name) && !isNetns(name)) this.#listener.namespaceGone(name);
  }
}

/** Names of namespaces that come and go. Where inotify has no room left they are noticed by the periodic audit. */
function watchNames(changed: (name: string | null) => void): FSWatcher | undefined {
  const without = (error: unknown): void => process.emitWarning(`${NETNS_DIRECTORY} is not watched: ${error}`);
  try {
    return watch(NETNS_DIRECTORY, { persistent: false }, (_, name) => changed(name)).on('error', without);
  } catch (error) {
    without(error);
    return undefined;
  }
}

function openListener(protocol: number, groups: number): number {
  const descriptor = checked('socket(AF_NETLINK)', socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, protocol));
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, uint32(4 << 20), 4);
  if (protocol === NETLINK_NETFILTER) checked('SO_ATTACH_FILTER', attachFilter(descriptor, ONLY_NEWGEN));
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(groups, 8);
  checked('bind(AF_NETLINK)', bind(descriptor, address, address.length));
  return descriptor;
}

const isThere = (namespace: string): boolean => namespace === '' || isNetns(namespace);

function inodeOf(namespace: string): number | undefined {
  try {
    return isNetns(namespace) ? statSync(netnsPath(namespace)).ino : undefined;
  } catch {
    return undefined;
  }
}
