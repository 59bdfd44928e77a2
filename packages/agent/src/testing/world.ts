import { tapDevice } from '@portward/model/device-names.ts';
import type { FeedPut } from '@portward/model/feed.ts';
import { Numbers } from '../layout/numbers.ts';
import type { World } from '../layout/world.ts';
import { Replica } from '../replica.ts';
import { HOST_NAME, uuid } from './cloud.ts';

/** A world of objects, with the devices of some ports on this host. */
export function worldOf(objects: readonly FeedPut[], taps: readonly number[]): World {
  const replica = new Replica();
  for (const object of objects) replica.put(object);
  return {
    replica,
    host: HOST_NAME,
    bridgeMappings: new Map([['public', 'br-ex']]),
    natBackend: 'nftables',
    taps: new Set(taps.map((number) => tapDevice(uuid(number)))),
    numbers: new Numbers(),
    machines: false,
    misses: 'refuse',
  };
}
