import { ENOENT } from './libc.ts';
import {
  attribute,
  eachAttribute,
  expect,
  NETLINK_NETFILTER,
  NetlinkSocket,
  nested,
  uint16be,
  uint32,
} from './netlink.ts';
import { addressBytes } from './rtnetlink.ts';

/** linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h; flags of CTA_FILTER: net/netfilter/nf_conntrack_netlink.c */
const SUBSYSTEM = 1 << 8;
const CT_GET = SUBSYSTEM | 1;
const CT_DELETE = SUBSYSTEM | 2;
const AF_INET = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const FILTER_IP_DST = 1 << 1;
const FILTER_PROTO_NUM = 1 << 3;
const FILTER_PROTO_DST_PORT = 1 << 5;

/** One direction of a connection. Ports are 0 for protocols without. */
export interface Tuple {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

/** A connection as the kernel follows it: what was sent, and where answers come from and go to. */
export interface Connection {
  original: Tuple;
  reply: Tuple;
  /** The kernel's attributes by which exactly this entry can be deleted. */
  handle: Buffer;
}

/** Which connections to look at: by where they were sent, or by where their answers go. */
export type ConnectionFilter =
  | { direction: 'original'; destination: string; protocol?: number; port?: number }
  | { direction: 'reply'; destination: string };

/** IPv4 connections of one network namespace. */
export class Conntrack {
  readonly #socket: NetlinkSocket;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(namespace: string) {
    this.#socket = new NetlinkSocket(namespace, NETLINK_NETFILTER);
  }

  /**
   * Deletes the connections that pass the filter and of which the test says that they are wrong. Gives their number.
   * The kernel searches all its connections for it, some 0.3 ms a thousand, off the main thread.
   */
  deleteWrong(filter: ConnectionFilter | undefined, isWrong: (connection: Connection) => boolean): Promise<number> {
    const work = this.#queue.then(async () => {
      const payload = Buffer.concat([header(), ...(filter === undefined ? [] : filterAttributes(filter))]);
      const found = await this.#socket.list({ type: CT_GET, flags: 0, payload });
      let deleted = 0;
      for (const [index, entry] of found.entries()) {
        // Many connections must not hold the main thread for long.
        if (index % 1000 === 999) await new Promise(setImmediate);
        const connection = parseConnection(entry.subarray(4));
        if (connection === undefined || !isWrong(connection)) continue;
        const errno = this.#socket.request({
          type: CT_DELETE,
          flags: 0,
          payload: Buffer.concat([header(), connection.handle]),
        });
        expect('connection', errno, ENOENT);
        deleted++;
      }
      return deleted;
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  close(): void {
    void this.#queue.then(() => this.#socket.close());
  }
}

const header = (): Buffer => Buffer.from([AF_INET, 0, 0, 0]);

function filterAttributes(filter: ConnectionFilter): Buffer[] {
  // The kernel wants whole tuples: what no flag names is not looked at.
  const addresses = nested(
    CTA_TUPLE_IP,
    attribute(CTA_IP_V4_SRC, Buffer.alloc(4)),
    attribute(CTA_IP_V4_DST, addressBytes(filter.destination)),
  );
  let flags = FILTER_IP_DST;
  const isOriginal = filter.direction === 'original';
  const protocol = isOriginal ? filter.protocol : undefined;
  const port = isOriginal ? filter.port : undefined;
  const transport = [attribute(CTA_PROTO_NUM, Buffer.from([protocol ?? 0]))];
  if (protocol !== undefined) flags |= FILTER_PROTO_NUM;
  if (protocol !== undefined && port !== undefined) {
    flags |= FILTER_PROTO_DST_PORT;
    transport.push(attribute(CTA_PROTO_DST_PORT, uint16be(port)));
  }
  return [
    nested(isOriginal ? CTA_TUPLE_ORIG : CTA_TUPLE_REPLY, addresses, nested(CTA_TUPLE_PROTO, ...transport)),
    nested(CTA_FILTER, attribute(isOriginal ? CTA_FILTER_ORIG_FLAGS : CTA_FILTER_REPLY_FLAGS, uint32(flags))),
  ];
}

function parseConnection(data: Buffer): Connection | undefined {
  let original: Tuple | undefined;
  let reply: Tuple | undefined;
  const handle: Buffer[] = [];
  eachAttribute(data, (type, payload) => {
    if (type === CTA_TUPLE_ORIG) {
      original = parseTuple(payload);
      handle.push(nested(CTA_TUPLE_ORIG, payload));
    } else if (type === CTA_TUPLE_REPLY) reply = parseTuple(payload);
    else if (type === CTA_ID || type === CTA_ZONE) handle.push(attribute(type, payload));
  });
  return original && reply ? { original, reply, handle: Buffer.concat(handle) } : undefined;
}

function parseTuple(data: Buffer): Tuple {
  const tuple: Tuple = { source: '', destination: '', protocol: 0, sourcePort: 0, destinationPort: 0 };
  eachAttribute(data, (part, payload) => {
    eachAttribute(payload, (type, value) => {
      if (part === CTA_TUPLE_IP && type === CTA_IP_V4_SRC) tuple.source = value.join('.');
      else if (part === CTA_TUPLE_IP && type === CTA_IP_V4_DST) tuple.destination = value.join('.');
      else if (part === CTA_TUPLE_PROTO && type === CTA_PROTO_NUM) tuple.protocol = value[0] ?? 0;
      else if (part === CTA_TUPLE_PROTO && type === CTA_PROTO_SRC_PORT) tuple.sourcePort = value.readUInt16BE(0);
      else if (part === CTA_TUPLE_PROTO && type === CTA_PROTO_DST_PORT) tuple.destinationPort = value.readUInt16BE(0);
    });
  });
  return tuple;
}
