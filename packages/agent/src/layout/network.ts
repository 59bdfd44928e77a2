import { tapDevice } from '@portward/model/device-names.ts';
import { HOST, type Item } from './item.ts';
import { bridge, sysctl } from './make-item.ts';
import { markOf, zoneOfMark } from './marks.ts';
import { bridgeOf, carries, isDhcp, isOwnDevice, type Network, type Port, type World } from './world.ts';

/** The bridge of a network, when a port of it is on this host and the operator's own bridge does not serve. */
export function networkItems(world: World, networkId: string): Item[] {
  const network = world.replica.get('network', networkId);
  const found = bridgeOf(world, network);
  if (network === undefined || found === undefined || !found.own || !isNeeded(world, network)) return [];
  return [
    bridge(found.name, network.mtu),
    // The host takes no part in the network: with a link-local address it would be reachable from it.
    sysctl(HOST, `net/ipv6/conf/${found.name}/disable_ipv6`, 1),
    ...zoneOfMark(world, markOf(world.numbers.of(found.name)), found),
  ];
}

function isNeeded(world: World, network: Network): boolean {
  for (const port of world.replica.portsByNetwork.of(network.id)) if (isHere(world, port)) return true;
  return false;
}

/** Whether a device of the port is, or shall be, on this host. */
function isHere(world: World, port: Port): boolean {
  if (isDhcp(port)) return port.admin_state_up;
  if (isOwnDevice(port)) return carries(world, world.replica.get('router', port.device_id));
  return port['binding:host_id'] === world.host || world.taps.has(tapDevice(port.id));
}
