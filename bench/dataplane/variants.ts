import type { Misses, NatBackend } from '@portward/model/feed.ts';
import type { Kind } from './load.ts';

/** What is measured beside other things of its kind: routers of one host. */
export interface Variant {
  /** `one rule` is the floor: a static DNAT rule in place of all that the agent makes. */
  readonly layout: NatBackend | 'one rule';
  readonly misses: Misses;
  /** Forwardings of each protocol, on a router of its own. */
  readonly forwardings: number;
  readonly kinds: readonly Kind[];
}

const ALL: readonly Kind[] = ['tcp', 'udp', 'scan'];

/** What everything else is a part of. */
export const FLOOR: Variant = { layout: 'one rule', misses: 'refuse', forwardings: 1, kinds: ALL };

/** Of each back end, one with each number of forwardings; and one that meets misses with silence. */
export function variants(backends: readonly NatBackend[], sizes: readonly number[]): Variant[] {
  const most = sizes.at(-1) ?? 1;
  return [
    ...backends.flatMap((layout) =>
      sizes.map((forwardings): Variant => ({ layout, misses: 'refuse', forwardings, kinds: ALL })),
    ),
    { layout: 'nftables', misses: 'drop', forwardings: most, kinds: ['scan'] },
  ];
}

export const nameOf = ({ layout, misses, forwardings }: Variant): string =>
  layout === 'one rule' ? layout : `${layout} with ${forwardings}${misses === 'drop' ? ', silent' : ''}`;
