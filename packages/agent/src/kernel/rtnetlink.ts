import { parseIp } from '@portward/model/ip-address.ts';
import { EADDRNOTAVAIL, EEXIST, ENODEV, ifNameToIndex } from './libc.ts';
import { attribute, expect, NETLINK_ROUTE, NetlinkSocket, NLM_F_CREATE, NLM_F_EXCL, text } from './netlink.ts';
import { inNetns } from './netns.ts';

/** linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, net/if.h */
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const IFLA_IFALIAS = 20;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 0x02;
const IFF_UP = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** Octets of an address in network order. */
export function addressBytes(address: string): Buffer {
  const version = address.includes(':') ? 6 : 4;
  return Buffer.from(
    parseIp(address)
      .toString(16)
      .padStart(version === 4 ? 8 : 32, '0'),
    'hex',
  );
}

/** Index of a device in a namespace; undefined when it is not there. */
export function deviceIndex(namespace: string, device: string): number | undefined {
  return inNetns(namespace, () => ifNameToIndex(device)) || undefined;
}

/** Brings the loopback device of the thread's namespace up and gives it an alias. */
export function ownLoopback(alias: string): void {
  const route = new NetlinkSocket('', NETLINK_ROUTE);
  const link = Buffer.alloc(16);
  link.writeInt32LE(1, 4);
  link.writeUInt32LE(IFF_UP, 8);
  link.writeUInt32LE(IFF_UP, 12);
  const errno = route.request({
    type: RTM_SETLINK,
    flags: 0,
    payload: Buffer.concat([link, attribute(IFLA_IFALIAS, text(alias))]),
  });
  route.close();
  expect('loopback device', errno);
}

/** Addresses of the devices of one namespace, edited in the process: a forwarding's first change needs no other. */
export class Addresses {
  readonly #socket: NetlinkSocket;
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#socket = new NetlinkSocket(namespace, NETLINK_ROUTE);
  }

  /**
   * Adds `address/prefix` to a device. One that is there already is no error; if it has a subnet, it is made anew, as
   * only that brings back a route to the subnet that somebody took away.
   */
  add(device: string, addressAndPrefix: string): void {
    const errno = this.#edit(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, device, addressAndPrefix, EEXIST);
    if (errno === 0 || /\/(32|128)$/.test(addressAndPrefix)) return;
    this.remove(device, addressAndPrefix);
    this.#edit(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, device, addressAndPrefix, EEXIST);
  }

  /** Takes an address from a device; one that is not there is no error. */
  remove(device: string, addressAndPrefix: string): void {
    if (deviceIndex(this.#namespace, device) === undefined) return;
    this.#edit(RTM_DELADDR, 0, device, addressAndPrefix, EADDRNOTAVAIL, ENODEV);
  }

  close(): void {
    this.#socket.close();
  }

  /** Gives the kernel's error: none, or one of those that are accepted. */
  #edit(type: number, flags: number, device: string, addressAndPrefix: string, ...accepted: number[]): number {
    const index = deviceIndex(this.#namespace, device);
    if (index === undefined) throw new Error(`${device}: there is no such device`);
    const [address = '', prefixText = ''] = addressAndPrefix.split('/');
    const prefix = Number(prefixText);
    const bytes = addressBytes(address);
    const isV4 = bytes.length === 4;
    const header = Buffer.from([isV4 ? AF_INET : AF_INET6, prefix, isV4 ? 0 : IFA_F_NODAD, 0, 0, 0, 0, 0]);
    header.writeUInt32LE(index, 4);
    const attributes = [attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
    if (isV4 && prefix < 31) attributes.push(attribute(IFA_BROADCAST, broadcast(bytes, prefix)));
    const errno = this.#socket.request({ type, flags, payload: Buffer.concat([header, ...attributes]) });
    expect(`address ${addressAndPrefix} of ${device}`, errno, ...accepted);
    return errno;
  }
}

function broadcast(address: Buffer, prefix: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((address.readUInt32BE(0) | (0xffff_ffff >>> prefix)) >>> 0);
  return bytes;
}
