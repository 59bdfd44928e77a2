import { dhcpDevice } from '@portward/model/device-names.ts';
import { dhcpPort, dhcpService } from './dhcp.ts';
import type { Item } from './item.ts';
import { namespaceItem, service, sysctl } from './make-item.ts';
import { portDevice } from './port-device.ts';
import { bridgeOf, type World } from './world.ts';

/** DHCP of a network: its namespace, its device and its server, on the host that carries the network's DHCP out. */
export function dhcpItems(world: World, networkId: string): Item[] {
  const { replica } = world;
  const network = replica.get('network', networkId);
  if (network === undefined || network.agent_host !== world.host) return [];
  if (bridgeOf(world, network) === undefined) return [];
  const ports = [...replica.portsByNetwork.of(networkId)];
  const port = dhcpPort(networkId, ports);
  const settings = dhcpService(network, replica.subnetsByNetwork.of(networkId), ports);
  if (port === undefined || settings === undefined || !port.admin_state_up) return [];
  return [
    namespaceItem(settings.namespace),
    // It has the addresses that it is given, at once, whatever routers say.
    sysctl(settings.namespace, 'net/ipv6/conf/default/accept_ra', 0, true),
    sysctl(settings.namespace, 'net/ipv6/conf/default/accept_dad', 0, true),
    ...portDevice(world, settings.namespace, dhcpDevice(port.id), port),
    service('dhcp', networkId, settings.namespace, settings.digest, settings),
  ];
}
