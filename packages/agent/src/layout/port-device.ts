import { tapDevice } from '@portward/model/device-names.ts';
import { prefixLength } from '@portward/model/ip-address.ts';
import type { Item } from './item.ts';
import { address, device } from './make-item.ts';
import { trustedTap } from './marks.ts';
import { bridgeOf, type Port, subnetsOf, type World } from './world.ts';

/**
 * The device of a router's or DHCP's port in its namespace, plugged into its network, with the addresses of the port;
 * nothing while the network has no bridge here. Rules may know it by its `group`.
 */
export function portDevice(world: World, namespace: string, name: string, port: Port, group = 0): Item[] {
  const network = world.replica.get('network', port.network_id);
  const bridge = bridgeOf(world, network);
  if (network === undefined || bridge === undefined) return [];
  const tap = tapDevice(port.id);
  return [
    device({ namespace, name, mac: port.mac_address, mtu: network.mtu, tap, bridge: bridge.name, group }),
    ...trustedTap(world, tap, bridge),
    ...subnetsOf(world, port).map(({ address: ip, subnet }) =>
      address(namespace, name, `${ip}/${prefixLength(subnet.cidr)}`, true),
    ),
  ];
}
