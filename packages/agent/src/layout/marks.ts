import { HOST, type Item } from './item.ts';
import { nftElement } from './make-item.ts';
import type { World } from './world.ts';

/**
 * Marks of packets in the host's namespace: the upper half says that they are ours, the lower half is a number of the
 * tap (a guarded port) or of the bridge (anything else on a bridge of ours). See firewall.ts for who reads them.
 */
const BASE = 0x5057_0000;

/** Mark of packets that the host itself sends on a connection that is already open. */
export const HOST_REPLY_MARK = BASE | 0xffff;

/** nft's match for any of our marks. */
export const ANY_MARK = `meta mark & 0xffff0000 == 0x${BASE.toString(16)}`;

export const markOf = (number: number): number => BASE | number;

/** Number in a mark of ours, or undefined. */
export const numberIn = (mark: number): number | undefined =>
  Math.floor(mark / 0x1_0000) * 0x1_0000 === BASE ? mark % 0x1_0000 : undefined;

/** Marks what passes an unguarded tap with its bridge's number, so that it shares the network's conntrack zone. */
export function trustedTap(world: World, tap: string, bridge: { name: string; own: boolean }): Item[] {
  if (!bridge.own) return [];
  return [nftElement(HOST, 'bridge', 'taps', tap, String(markOf(world.numbers.of(bridge.name))))];
}

/** Conntrack zone of a mark. Bridges of the operator's stay in zone 0, which the host itself uses on them. */
export function zoneOfMark(world: World, mark: number, bridge: { name: string; own: boolean }): Item[] {
  if (!bridge.own) return [];
  return [nftElement(HOST, 'inet', 'zones', String(mark), String(world.numbers.of(bridge.name)))];
}
