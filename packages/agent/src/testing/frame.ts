import { addressBytes } from '../kernel/rtnetlink.ts';

/** What a frame of a test carries. Parts that a protocol does not have are left out. */
export interface FrameParts {
  fromMac: string;
  /** Everybody, unless given. */
  toMac?: string;
  from: string;
  to: string;
  /** IANA's number. */
  protocol: number;
  sourcePort?: number;
  destinationPort?: number;
  type?: number;
  code?: number;
  /** Bytes after ICMP's checksum, or after a header with ports. */
  body?: Buffer;
  /** By which the frame is recognised where it arrives: `<<token>>` is its end. */
  token: string;
}

const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const mark = (token: string): Buffer => Buffer.from(`<<${token}>>`);
const EVERYBODY = 'ff:ff:ff:ff:ff:ff';

/** An Ethernet frame with an IPv4 or IPv6 packet whose checksums are right: conntrack looks at them. */
export function ipFrame(parts: FrameParts): Buffer {
  const source = addressBytes(parts.from);
  const destination = addressBytes(parts.to);
  const payload = transport(parts, Buffer.concat([source, destination]));
  const isV4 = source.length === 4;
  const header = Buffer.alloc(isV4 ? 20 : 40);
  if (isV4) {
    header.writeUInt8(0x45, 0);
    header.writeUInt16BE(20 + payload.length, 2);
    header.writeUInt8(64, 8);
    header.writeUInt8(parts.protocol, 9);
    source.copy(header, 12);
    destination.copy(header, 16);
    header.writeUInt16BE(checksum(header), 10);
  } else {
    header.writeUInt8(0x60, 0);
    header.writeUInt16BE(payload.length, 4);
    header.writeUInt8(parts.protocol, 6);
    header.writeUInt8(255, 7);
    source.copy(header, 8);
    destination.copy(header, 24);
  }
  return Buffer.concat([
    macBytes(parts.toMac ?? EVERYBODY),
    macBytes(parts.fromMac),
    Buffer.from(isV4 ? '0800' : '86dd', 'hex'),
    header,
    payload,
  ]);
}

/** An ARP request (1) or answer (2). `claimedMac`: what it says of its sender, unless that is `fromMac`. */
export function arpFrame(parts: {
  fromMac: string;
  claimedMac?: string;
  from: string;
  to: string;
  operation?: 1 | 2;
  token: string;
}): Buffer {
  return Buffer.concat([
    macBytes(EVERYBODY),
    macBytes(parts.fromMac),
    Buffer.from('08060001080006040000', 'hex').fill(parts.operation ?? 1, 9),
    macBytes(parts.claimedMac ?? parts.fromMac),
    addressBytes(parts.from),
    Buffer.alloc(6),
    addressBytes(parts.to),
    mark(parts.token),
  ]);
}

/** Body of a neighbour solicitation or advertisement about an address (RFC 4861). */
export const neighbourBody = (target: string): Buffer => Buffer.concat([Buffer.alloc(4), addressBytes(target)]);

function transport(parts: FrameParts, addresses: Buffer): Buffer {
  const { protocol, sourcePort = 0, destinationPort = 0, type = 0, code = 0, body = Buffer.alloc(0), token } = parts;
  const data = Buffer.concat([body, mark(token)]);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(sourcePort, 0);
  ports.writeUInt16BE(destinationPort, 2);
  const summed = (packet: Buffer, offset: number, pseudo = true): Buffer => {
    const length = Buffer.from([0, 0, packet.length >> 8, packet.length & 255, 0, 0, 0, protocol]);
    packet.writeUInt16BE(checksum(pseudo ? Buffer.concat([addresses, length, packet]) : packet), offset);
    return packet;
  };
  switch (protocol) {
    case 6:
      return summed(Buffer.concat([ports, Buffer.from('00000001000000005002ffff00000000', 'hex'), data]), 16);
    case 17:
    case 136: {
      const lengths = Buffer.alloc(4);
      lengths.writeUInt16BE(8 + data.length, 0);
      return summed(Buffer.concat([ports, lengths, data]), 6);
    }
    case 132:
      return sctpInit(ports, data);
    case 1:
      return summed(
        Buffer.concat([Buffer.from([type, code, 0, 0]), body.length > 0 ? data : Buffer.concat([ports, data])]),
        2,
        false,
      );
    case 58:
      return summed(
        Buffer.concat([Buffer.from([type, code, 0, 0]), body.length > 0 ? data : Buffer.concat([ports, data])]),
        2,
      );
    case 33:
      // A DCCP request (RFC 4340): 20 octets of header, then the service code's place.
      return summed(Buffer.concat([ports, Buffer.from('0500000001000000000000010000000000000000', 'hex'), data]), 6);
    default:
      return data;
  }
}

/** An SCTP INIT (RFC 9260), padded, with its CRC32c. The token lies in a parameter that nobody knows. */
function sctpInit(ports: Buffer, data: Buffer): Buffer {
  const padding = Buffer.alloc(-data.length & 3);
  const chunk = Buffer.concat([
    Buffer.from('00000000010203040001000000010001000000018000', 'hex'),
    Buffer.from([0, 4 + data.length]),
    data,
  ]);
  chunk.writeUInt8(1, 0);
  chunk.writeUInt16BE(chunk.length, 2);
  const packet = Buffer.concat([ports, Buffer.alloc(8), chunk, padding]);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

function checksum(data: Buffer): number {
  let sum = 0;
  for (let index = 0; index < data.length; index++)
    sum += index % 2 === 0 ? (data[index] ?? 0) << 8 : (data[index] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

function crc32c(data: Buffer): number {
  let crc = 0xffff_ffff;
  for (const octet of data) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
