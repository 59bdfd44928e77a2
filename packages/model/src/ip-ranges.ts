import type { AddressRange, Cidr, IpVersion } from './ip-address.ts';

const BITS: Record<IpVersion, number> = { 4: 32, 6: 128 };

/** The same addresses in as few ranges as possible, in order; all of one family. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous.last + 1n) merged.push({ first, last });
    else if (last > previous.last) previous.last = last;
  }
  return merged;
}

/** What of the first set is not in the second; both of one family. */
export function subtractRanges(ranges: readonly AddressRange[], removed: readonly AddressRange[]): AddressRange[] {
  const holes = mergeRanges(removed);
  const left: AddressRange[] = [];
  let next = 0;
  for (const { first, last } of mergeRanges(ranges)) {
    while (next < holes.length && (holes[next] as AddressRange).last < first) next++;
    let start = first;
    for (let i = next; i < holes.length && (holes[i] as AddressRange).first <= last; i++) {
      const hole = holes[i] as AddressRange;
      if (hole.first > start) left.push({ first: start, last: hole.first - 1n });
      start = hole.last + 1n;
    }
    if (start <= last) left.push({ first: start, last });
  }
  return left;
}

/** The fewest networks that hold exactly these addresses, in order. */
export function rangesToCidrs(ranges: readonly AddressRange[], version: IpVersion): Cidr[] {
  const bits = BITS[version];
  const cidrs: Cidr[] = [];
  for (const { first, last } of mergeRanges(ranges)) {
    let start = first;
    while (start <= last) {
      let size = 1n;
      let prefix = bits;
      while (prefix > 0) {
        const next = size << 1n;
        if ((start & (next - 1n)) !== 0n || start + next - 1n > last) break;
        size = next;
        prefix--;
      }
      const end = start + size - 1n;
      cidrs.push({ version, first: start, last: end, prefix });
      start = end + 1n;
    }
  }
  return cidrs;
}
