import { checked, close, sendto, socket } from './libc.ts';
import { inNetns } from './netns.ts';
import { addressBytes, deviceIndex } from './rtnetlink.ts';

/** linux/if_packet.h, linux/if_ether.h, linux/if_arp.h */
const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const ETH_P_ARP = 0x0806;
const REQUEST = 1;
const REPLY = 2;

/** Tells the neighbours of a namespace's devices which addresses are there (gratuitous ARP, RFC 5227 section 3). */
export class Announcer {
  readonly #namespace: string;
  /** Kept open: closing a packet socket waits for all processors. Protocol 0: it receives nothing. */
  readonly #fd: number;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#fd = inNetns(namespace, () => checked('socket(AF_PACKET)', socket(AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, 0)));
  }

  /** Sends one request and one reply about an IPv4 address; some neighbours heed only one of the two. */
  announce(device: string, mac: string, address: string): void {
    const index = deviceIndex(this.#namespace, device);
    if (index === undefined) return;
    const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
    const link = Buffer.alloc(20);
    link.writeUInt16LE(AF_PACKET, 0);
    link.writeUInt16BE(ETH_P_ARP, 2);
    link.writeInt32LE(index, 4);
    link[11] = 6;
    link.fill(0xff, 12, 18);
    for (const operation of [REQUEST, REPLY]) {
      const frame = gratuitousArp(operation, hardware, addressBytes(address));
      sendto(this.#fd, frame, frame.length, 0, link, link.length);
    }
  }

  close(): void {
    close(this.#fd);
  }
}

function gratuitousArp(operation: number, hardware: Buffer, address: Buffer): Buffer {
  const everybody = Buffer.alloc(6, 0xff);
  const header = Buffer.from([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, operation]);
  const target = operation === REPLY ? hardware : Buffer.alloc(6);
  return Buffer.concat([everybody, hardware, header, hardware, address, target, address]);
}
