import { formatIp } from '@portward/model/ip-address.ts';
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
import { inNetns } from './netns.ts';
import { addressBytes } from './rtnetlink.ts';
import { readSysctl } from './sysctl.ts';

/** linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h; flags of CTA_FILTER: net/netfilter/nf_conntrack_netlink.c */
const SUBSYSTEM = 1 << 8;
const CT_GET = SUBSYSTEM | 1;
const CT_DELETE = SUBSYSTEM | 2;
const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
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
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_TYPE = 5;
const CTA_PROTO_ICMP_CODE = 6;
const CTA_PROTO_ICMPV6_TYPE = 8;
const CTA_PROTO_ICMPV6_CODE = 9;
const FILTER_IP_SRC = 1 << 0;
const FILTER_IP_DST = 1 << 1;
const FILTER_PROTO_NUM = 1 << 3;
const FILTER_PROTO_SRC_PORT = 1 << 4;
const FILTER_PROTO_DST_PORT = 1 << 5;

/** One direction of a connection. Ports are 0 for protocols without; type and code for all but ICMP and ICMPv6. */
export interface Tuple {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  type: number;
  code: number;
}

/** A connection as the kernel follows it: what was sent, and where answers come from and go to. */
export interface Connection {
  original: Tuple;
  reply: Tuple;
  zone: number;
  /** The kernel's attributes by which exactly this entry can be deleted. */
  handle: Buffer;
}

/** Which connections to look at: by where they were sent, by where their answers go, or all; in one zone or in any. */
export type ConnectionFilter = { zone?: number } & (
  | { direction: 'original'; destination: string; protocol?: number; port?: number }
  | { direction: 'reply'; destination: string }
  | { direction: 'any' }
);

/** An address, and a port of the protocol that is spoken of. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** So many connections are judged before other work gets its turn. */
const SLICE = 500;

/** Whether the kernel takes a filter for what it is to delete: since Linux 6.8. Before, it says that there is no such entry. */
let deletesByFilter = true;

/** Connections of one network namespace. */
export class Conntrack {
  readonly #socket: NetlinkSocket;
  readonly #namespace: string;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(namespace: string) {
    this.#socket = new NetlinkSocket(namespace, NETLINK_NETFILTER);
    this.#namespace = namespace;
  }

  /** Whether the namespace has any connection, without a search for them. */
  get isEmpty(): boolean {
    return inNetns(this.#namespace, () => readSysctl('net/netfilter/nf_conntrack_count')) === '0';
  }

  /**
   * Deletes the connections that pass the filter and of which the test says that they are wrong. Gives their number.
   * The kernel searches all its connections for it, some 0.3 ms a thousand, off the main thread.
   */
  deleteWrong(filter: ConnectionFilter | undefined, isWrong: (connection: Connection) => boolean): Promise<number> {
    const work = this.#queue.then(async () => {
      const payload = filter === undefined ? header(AF_INET) : filterPayload(filter);
      const found = await this.#socket.list({ type: CT_GET, flags: 0, payload });
      let deleted = 0;
      for (const [index, entry] of found.entries()) {
        if (index % SLICE === SLICE - 1) await new Promise(setImmediate);
        const connection = parseConnection(entry.subarray(4));
        if (connection === undefined) continue;
        // Kernels before 6.8 do not look at the zone.
        if (filter?.zone !== undefined && connection.zone !== filter.zone) continue;
        if (!isWrong(connection)) continue;
        const errno = this.#socket.request({
          type: CT_DELETE,
          flags: 0,
          payload: Buffer.concat([header(entry[0] ?? AF_INET), connection.handle]),
        });
        expect('connection', errno, ENOENT);
        deleted++;
      }
      return deleted;
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  /**
   * Deletes the connections that were sent to one place and led to another one, which is the same where nothing
   * translated them. The kernel does it in one pass over its connections that is some twenty times quicker than a
   * search. Answers false where it cannot.
   */
  deleteLed(protocol: number, from: Place, to: Place): Promise<boolean> {
    const work = this.#queue.then(async () => {
      if (!deletesByFilter) return false;
      const payload = Buffer.concat([
        header(AF_INET),
        tuple(CTA_TUPLE_ORIG, { protocol, destination: from.address, destinationPort: from.port }),
        tuple(CTA_TUPLE_REPLY, { protocol, source: to.address, sourcePort: to.port }),
        nested(
          CTA_FILTER,
          attribute(CTA_FILTER_ORIG_FLAGS, uint32(FILTER_IP_DST | FILTER_PROTO_NUM | FILTER_PROTO_DST_PORT)),
          attribute(CTA_FILTER_REPLY_FLAGS, uint32(FILTER_IP_SRC | FILTER_PROTO_NUM | FILTER_PROTO_SRC_PORT)),
        ),
      ]);
      const errno = await this.#socket.requestAside({ type: CT_DELETE, flags: 0, payload });
      expect('connections', errno, ENOENT);
      deletesByFilter = errno === 0;
      return deletesByFilter;
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  close(): void {
    void this.#queue.then(() => this.#socket.close());
  }
}

const header = (family: number): Buffer => Buffer.from([family, 0, 0, 0]);

function filterPayload(filter: ConnectionFilter): Buffer {
  const zone = filter.zone === undefined ? [] : [attribute(CTA_ZONE, uint16be(filter.zone))];
  if (filter.direction === 'any') return Buffer.concat([header(AF_UNSPEC), ...zone]);
  const family = filter.destination.includes(':') ? AF_INET6 : AF_INET;
  return Buffer.concat([header(family), ...zone, ...filterAttributes(filter)]);
}

function filterAttributes(filter: Exclude<ConnectionFilter, { direction: 'any' }>): Buffer[] {
  // The kernel wants whole tuples: what no flag names is not looked at.
  const destination = addressBytes(filter.destination);
  const isV4 = destination.length === 4;
  const addresses = nested(
    CTA_TUPLE_IP,
    attribute(isV4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, Buffer.alloc(destination.length)),
    attribute(isV4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, destination),
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

/** One direction of IPv4 connections, for a filter. The kernel wants it whole: what no flag names is not looked at. */
function tuple(type: number, { source = '0.0.0.0', destination = '0.0.0.0', protocol, ...ports }: PartOfTuple): Buffer {
  return nested(
    type,
    nested(
      CTA_TUPLE_IP,
      attribute(CTA_IP_V4_SRC, addressBytes(source)),
      attribute(CTA_IP_V4_DST, addressBytes(destination)),
    ),
    nested(
      CTA_TUPLE_PROTO,
      attribute(CTA_PROTO_NUM, Buffer.from([protocol])),
      attribute(CTA_PROTO_SRC_PORT, uint16be(ports.sourcePort ?? 0)),
      attribute(CTA_PROTO_DST_PORT, uint16be(ports.destinationPort ?? 0)),
    ),
  );
}

type PartOfTuple = Pick<Tuple, 'protocol'> & Partial<Tuple>;

function parseConnection(data: Buffer): Connection | undefined {
  let original: Tuple | undefined;
  let reply: Tuple | undefined;
  let zone = 0;
  const handle: Buffer[] = [];
  eachAttribute(data, (type, payload) => {
    if (type === CTA_TUPLE_ORIG) {
      original = parseTuple(payload);
      handle.push(nested(CTA_TUPLE_ORIG, payload));
    } else if (type === CTA_TUPLE_REPLY) reply = parseTuple(payload);
    else if (type === CTA_ID || type === CTA_ZONE) {
      if (type === CTA_ZONE) zone = payload.readUInt16BE(0);
      handle.push(attribute(type, payload));
    }
  });
  return original && reply ? { original, reply, zone, handle: Buffer.concat(handle) } : undefined;
}

function parseTuple(data: Buffer): Tuple {
  const tuple: Tuple = {
    source: '',
    destination: '',
    protocol: 0,
    sourcePort: 0,
    destinationPort: 0,
    type: 0,
    code: 0,
  };
  eachAttribute(data, (part, payload) => {
    eachAttribute(payload, (type, value) => {
      if (part === CTA_TUPLE_IP) {
        if (type === CTA_IP_V4_SRC || type === CTA_IP_V6_SRC) tuple.source = addressText(value);
        else if (type === CTA_IP_V4_DST || type === CTA_IP_V6_DST) tuple.destination = addressText(value);
      } else if (part === CTA_TUPLE_PROTO) {
        if (type === CTA_PROTO_NUM) tuple.protocol = value[0] ?? 0;
        else if (type === CTA_PROTO_SRC_PORT) tuple.sourcePort = value.readUInt16BE(0);
        else if (type === CTA_PROTO_DST_PORT) tuple.destinationPort = value.readUInt16BE(0);
        else if (type === CTA_PROTO_ICMP_TYPE || type === CTA_PROTO_ICMPV6_TYPE) tuple.type = value[0] ?? 0;
        else if (type === CTA_PROTO_ICMP_CODE || type === CTA_PROTO_ICMPV6_CODE) tuple.code = value[0] ?? 0;
      }
    });
  });
  return tuple;
}

const addressText = (bytes: Buffer): string =>
  bytes.length === 4 ? bytes.join('.') : formatIp(BigInt(`0x${bytes.toString('hex')}`), 6);
