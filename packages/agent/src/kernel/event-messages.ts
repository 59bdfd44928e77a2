import { formatIp } from '@portward/model/ip-address.ts';
import { eachAttribute } from './netlink.ts';

/** linux/rtnetlink.h, linux/if_link.h, net/if.h, linux/netfilter/nfnetlink.h and nf_tables.h */
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const NFT_MSG_NEWGEN = (10 << 8) | 15;
const AF_INET6 = 10;
const IFA_ADDRESS = 1;
const ADDRESS_HEADER = 8;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_GROUP = 27;
const IFF_UP = 1;
const RT_SCOPE_LINK = 253;
const RTPROT_BOOT = 3;
const RTPROT_STATIC = 4;
const MESSAGE_HEADER = 16;
const LINK_HEADER = 16;

/** What became of a device. */
export interface LinkEvent {
  readonly name: string;
  readonly gone: boolean;
  readonly up: boolean;
  /** Index of the bridge that it is on, 0 for none. */
  readonly master: number;
  /** Number of the group that it is in. */
  readonly group: number;
}

/** An IPv6 address that a device lost: of these the kernel does not say by whose hand. */
export interface LostAddress {
  /** Index of the device. */
  readonly device: number;
  /** `address/prefix`. */
  readonly address: string;
}

/** What a piece of netlink messages tells. */
export interface Heard {
  readonly links: LinkEvent[];
  readonly lostAddresses: LostAddress[];
  /** Netlink port ids of those who changed addresses, routes, policy rules or nftables; 0 for the kernel itself. */
  readonly hands: Set<number>;
}

export const nothingHeard = (): Heard => ({ links: [], lostAddresses: [], hands: new Set() });

/** Reads rtnetlink's and nftables' notifications. A truncated message ends the reading. */
export function readEvents(data: Buffer, heard: Heard = nothingHeard()): Heard {
  for (let offset = 0; offset + MESSAGE_HEADER <= data.length; ) {
    const length = data.readUInt32LE(offset);
    if (length < MESSAGE_HEADER) break;
    const message = data.subarray(offset, offset + length);
    const type = message.readUInt16LE(4);
    const body = message.subarray(MESSAGE_HEADER);
    if (type === RTM_NEWLINK || type === RTM_DELLINK) addLink(heard, type, body);
    else if (type === RTM_DELADDR && body[0] === AF_INET6) addLostAddress(heard, body);
    else if (isChange(type, body)) heard.hands.add(message.readUInt32LE(12));
    offset += (length + 3) & ~3;
  }
  return heard;
}

function addLink({ links }: Heard, type: number, body: Buffer): void {
  if (body.length < LINK_HEADER) return;
  let name = '';
  let master = 0;
  let group = 0;
  eachAttribute(body.subarray(LINK_HEADER), (attribute, payload) => {
    if (attribute === IFLA_IFNAME) name = payload.toString('utf8').replace(/\0.*$/s, '');
    else if (attribute === IFLA_MASTER) master = payload.readUInt32LE(0);
    else if (attribute === IFLA_GROUP) group = payload.readUInt32LE(0);
  });
  if (name === '') return;
  links.push({ name, gone: type === RTM_DELLINK, up: (body.readUInt32LE(8) & IFF_UP) !== 0, master, group });
}

function addLostAddress({ lostAddresses }: Heard, body: Buffer): void {
  if (body.length < ADDRESS_HEADER || body[3] === RT_SCOPE_LINK) return;
  eachAttribute(body.subarray(ADDRESS_HEADER), (attribute, payload) => {
    if (attribute !== IFA_ADDRESS || payload.length !== 16) return;
    const address = formatIp(BigInt(`0x${payload.toString('hex')}`), 6);
    lostAddresses.push({ device: body.readUInt32LE(4), address: `${address}/${body[1]}` });
  });
}

/** Whether a message tells of what an agent may have made: not of what follows by itself from addresses and devices. */
function isChange(type: number, body: Buffer): boolean {
  switch (type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return body[3] !== RT_SCOPE_LINK;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return body[5] === RTPROT_STATIC || body[5] === RTPROT_BOOT;
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case NFT_MSG_NEWGEN:
      return true;
    default:
      return false;
  }
}
