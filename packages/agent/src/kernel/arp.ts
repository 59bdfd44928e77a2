import { checked, close, sendto, socket } from './libc.ts';
import { unsolicitedAdvertisement } from './neighbour-advertisement.ts';
import { inNetns } from './netns.ts';
import { addressBytes, deviceIndex } from './rtnetlink.ts';

/** linux/if_packet.h, linux/if_ether.h, linux/if_arp.h */
const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const REQUEST = 1;
const REPLY = 2;

/**
 * Tells the neighbours of a namespace's devices which addresses are there: by gratuitous ARP (RFC 5227 section 3), and
 * by unsolicited neighbour advertisements, as the kernel tells of no IPv6 address that skips the search for duplicates.
 */
export class Announcer {
  readonly #namespace: string;
  /** Kept open: closing a packet socket waits for all processors. Protocol 0: it receives nothing. */
  readonly #fd: number;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#fd = inNetns(namespace, () => checked('socket(AF_PACKET)', socket(AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, 0)));
  }

  /**
   * Sends one request and one reply about an IPv4 address, as some neighbours heed only one of the two; about an IPv6
   * address one advertisement. `isRouter`: packets may be sent there to be routed.
   */
  announce(device: string, mac: string, address: string, isRouter: boolean): void {
    const index = deviceIndex(this.#namespace, device);
    if (index === undefined) return;
    if (address.includes(':')) {
      this.#send(index, unsolicitedAdvertisement(mac, address, isRouter));
      return;
    }
    const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
    for (const operation of [REQUEST, REPLY]) {
      this.#send(index, gratuitousArp(operation, hardware, addressBytes(address)));
    }
  }

  close(): void {
    close(this.#fd);
  }

  #send(index: number, frame: Buffer): void {
    const link = Buffer.alloc(20);
    link.writeUInt16LE(AF_PACKET, 0);
    // The type of the frame, in its own order.
    frame.copy(link, 2, 12, 14);
    link.writeInt32LE(index, 4);
    link[11] = 6;
    frame.copy(link, 12, 0, 6);
    sendto(this.#fd, frame, frame.length, 0, link, link.length);
  }
}

function gratuitousArp(operation: number, hardware: Buffer, address: Buffer): Buffer {
  const everybody = Buffer.alloc(6, 0xff);
  const header = Buffer.from([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, operation]);
  const target = operation === REPLY ? hardware : Buffer.alloc(6);
  return Buffer.concat([everybody, hardware, header, hardware, address, target, address]);
}
