import { machineOf } from '../machines/machine.ts';
import type { Item } from './item.ts';
import { service } from './make-item.ts';
import type { World } from './world.ts';

/** The namespace that plays a VM, where this host runs it. */
export function machineItems(world: World, serverId: string): Item[] {
  const server = world.replica.get('server', serverId);
  if (server === undefined || !world.machines || server.host !== world.host) return [];
  const machine = machineOf(server, world.replica.portsByDevice.of(serverId), {
    get: (id) => world.replica.get('network', id),
  });
  return machine === undefined ? [] : [service('machine', serverId, machine.namespace, machine.digest, machine)];
}
