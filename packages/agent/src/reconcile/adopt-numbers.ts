import type { Item } from '../layout/item.ts';
import { numberIn } from '../layout/marks.ts';
import type { Numbers } from '../layout/numbers.ts';

/** Takes over the numbers of taps and bridges that an agent before this one gave out: connections depend on them. */
export function adoptNumbers(numbers: Numbers, found: readonly Item[]): void {
  const guarded = new Set<string>();
  const bridgeOfTap = new Map<string, string>();
  const numberOfTap = new Map<string, number>();
  const zones = new Map<number, number>();
  for (const item of found) {
    if (item.type === 'device' || item.type === 'binding') bridgeOfTap.set(item.tap, item.bridge);
    if (item.type !== 'nft-element' || item.namespace !== '') continue;
    if (item.family === 'bridge' && item.set === 'guarded') guarded.add(item.element);
    else if (item.family === 'bridge' && item.set === 'taps') {
      const number = numberIn(Number(item.data));
      if (number !== undefined) numberOfTap.set(item.element, number);
    } else if (item.family === 'inet' && item.set === 'zones') {
      const number = numberIn(Number(item.element));
      if (number !== undefined) zones.set(number, Number(item.data));
    }
  }
  for (const [tap, number] of numberOfTap) {
    const bridge = bridgeOfTap.get(tap);
    const ofBridge = guarded.has(tap) ? zones.get(number) : number;
    if (guarded.has(tap)) numbers.adopt(tap, number);
    if (bridge !== undefined && bridge !== '' && ofBridge !== undefined) numbers.adopt(bridge, ofBridge);
  }
}
