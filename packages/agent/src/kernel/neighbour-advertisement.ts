import { addressBytes } from './rtnetlink.ts';

/** RFC 4861 section 4.4: type, and the bits that tell a router, and that what is known already is to be replaced. */
const ADVERTISEMENT = 136;
const ROUTER = 0x80;
const OVERRIDE = 0x20;
const TARGET_LINK_ADDRESS = 2;
const ICMPV6 = 58;
const ALL_NODES = 'ff02::1';
const ALL_NODES_MAC = '333300000001';

/** The frame of an unsolicited neighbour advertisement (RFC 4861 section 7.2.6) to all on the link. */
export function unsolicitedAdvertisement(mac: string, address: string, isRouter: boolean): Buffer {
  const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const target = addressBytes(address);
  const body = Buffer.concat([
    Buffer.from([ADVERTISEMENT, 0, 0, 0, OVERRIDE | (isRouter ? ROUTER : 0), 0, 0, 0]),
    target,
    Buffer.from([TARGET_LINK_ADDRESS, 1]),
    hardware,
  ]);
  const addresses = Buffer.concat([target, addressBytes(ALL_NODES)]);
  body.writeUInt16BE(
    checksum(Buffer.concat([addresses, Buffer.from([0, 0, 0, body.length, 0, 0, 0, ICMPV6]), body])),
    2,
  );
  // Version 6; the hop limit of 255 proves that it comes from the link itself.
  const header = Buffer.from([0x60, 0, 0, 0, 0, body.length, ICMPV6, 255]);
  return Buffer.concat([
    Buffer.from(ALL_NODES_MAC, 'hex'),
    hardware,
    Buffer.from([0x86, 0xdd]),
    header,
    addresses,
    body,
  ]);
}

/** The Internet's checksum of an even number of octets. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let place = 0; place < data.length; place += 2) sum += data.readUInt16BE(place);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
