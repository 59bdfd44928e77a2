import { isIPv4, isIPv6 } from 'node:net';

/** IP version: 4 or 6. */
export type IpVersion = 4 | 6;

/** A network in CIDR notation, taken apart; `first` and `last` include network and broadcast address. */
export interface Cidr {
  readonly version: IpVersion;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

/** An inclusive range of addresses. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

const BITS: Record<IpVersion, number> = { 4: 32, 6: 128 };

/** Version of a textual address, or undefined when it is none. Leading zeros and scope ids are refused. */
export function ipVersion(text: string): IpVersion | undefined {
  if (isIPv4(text)) return 4;
  return isIPv6(text) && !text.includes('%') ? 6 : undefined;
}

/** Numeric value of an address. Throws a RangeError on text that is no address. */
export function parseIp(text: string): bigint {
  const version = ipVersion(text);
  if (version === 4) return BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0));
  if (version !== 6) throw new RangeError(`'${text}' is not a valid IP address`);
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = embedded
    ? `${embedded[1]}${(parseIp(embedded[2] ?? '') >> 16n).toString(16)}:${(parseIp(embedded[2] ?? '') & 0xffffn).toString(16)}`
    : text;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

/** Canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(value: bigint, version: IpVersion): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** Canonical text of an address given as text. */
export function normalizeIp(text: string): string {
  return formatIp(parseIp(text), ipVersion(text) ?? 4);
}

/** Takes `address/prefix` apart, masking host bits; undefined when it is no CIDR. A bare address counts as a host. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const version = ipVersion(address);
  if (version === undefined || rest.length > 0) return undefined;
  const bits = BITS[version];
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  const hostBits = BigInt(bits - prefix);
  const first = (parseIp(address) >> hostBits) << hostBits;
  return { version, first, last: first | ((1n << hostBits) - 1n), prefix };
}

/** Canonical text of a network, host bits masked. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.first, cidr.version)}/${cidr.prefix}`;
}

/** Whether the network holds the address, both given as text. */
export function cidrContains(cidr: string, address: string): boolean {
  const network = parseCidr(cidr);
  if (network === undefined || ipVersion(address) !== network.version) return false;
  const value = parseIp(address);
  return network.first <= value && value <= network.last;
}

/** Whether two networks share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}

/** Prefix length of a CIDR given as text. */
export function prefixLength(cidr: string): number {
  return Number(cidr.split('/')[1]);
}
