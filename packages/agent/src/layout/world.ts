import { bridgeDevice } from '@portward/model/device-names.ts';
import type { FeedObjects, Misses, NatBackend } from '@portward/model/feed.ts';
import { ipVersion } from '@portward/model/ip-address.ts';
import { DEVICE_OWNER, ROUTER_INTERFACE_OWNERS } from '@portward/model/port.ts';
import type { Replica } from '../replica.ts';
import type { Numbers } from './numbers.ts';

export type Network = FeedObjects['network'];
export type Subnet = FeedObjects['subnet'];
export type Port = FeedObjects['port'];
export type Router = FeedObjects['router'];
export type FloatingIp = FeedObjects['floatingip'];
export type PortForwarding = FeedObjects['port_forwarding'];

/** All that the layout looks at: what the feed told, what this host is, and which devices others made on it. */
export interface World {
  readonly replica: Replica;
  readonly host: string;
  /** Physical network → bridge of the operator's. */
  readonly bridgeMappings: ReadonlyMap<string, string>;
  readonly natBackend: NatBackend;
  readonly misses: Misses;
  /** Names of the `tap…` devices in the host's namespace that hypervisors and machines made. */
  readonly taps: ReadonlySet<string>;
  readonly numbers: Numbers;
  /** Whether namespaces play the VMs of this host. */
  readonly machines: boolean;
}

/** The bridge that a network has on this host, and whether the agent makes it; undefined when it has none here. */
export function bridgeOf(world: World, network: Network | undefined): { name: string; own: boolean } | undefined {
  if (network === undefined || !network.admin_state_up) return undefined;
  if (network['provider:network_type'] === 'flat') {
    const mapped = world.bridgeMappings.get(network['provider:physical_network'] ?? '');
    return mapped === undefined ? undefined : { name: mapped, own: false };
  }
  return network.agent_host === world.host ? { name: bridgeDevice(network.id), own: true } : undefined;
}

/** Whether this host carries the router out. */
export const carries = (world: World, router: Router | undefined): router is Router =>
  router !== undefined && router.agent_host === world.host && router.admin_state_up;

export const isInterface = (port: Port): boolean => ROUTER_INTERFACE_OWNERS.includes(port.device_owner);
export const isGateway = (port: Port): boolean => port.device_owner === DEVICE_OWNER.routerGateway;
export const isSnat = (port: Port): boolean => port.device_owner === DEVICE_OWNER.routerSnat;
export const isDhcp = (port: Port): boolean => port.device_owner === DEVICE_OWNER.dhcp;

/** Whether the agent makes the port's device itself, in a router's or DHCP's namespace. */
export const isOwnDevice = (port: Port): boolean =>
  isInterface(port) || isGateway(port) || isSnat(port) || isDhcp(port);

/** Owners that belong to the network itself are not filtered. */
export const isGuarded = (port: Port): boolean =>
  port.port_security_enabled && !port.device_owner.startsWith('network:');

/** The security groups of a port, in order of their ids, as far as they are known. */
export const groupsOf = (world: World, port: Port): FeedObjects['security_group'][] =>
  port.security_groups.toSorted().flatMap((id) => world.replica.get('security_group', id) ?? []);

/**
 * Whether the replies of what a port's rules admit pass without rules of their own: unless all its groups are
 * stateless. The API, as Neutron's, takes no port with groups of both kinds; were there one, replies would pass.
 */
export function isStateful(world: World, port: Port): boolean {
  const groups = groupsOf(world, port);
  return groups.length === 0 || groups.some(({ stateful }) => stateful);
}

/** The router's gateway port when this host carries the router out and knows the port. */
export function gatewayPort(world: World, router: Router | undefined): Port | undefined {
  return carries(world, router) ? world.replica.get('port', router.gateway_port_id) : undefined;
}

/** First IPv4 address of a port. */
export const firstIpv4 = (port: Port): string | undefined =>
  port.fixed_ips.find((fixed) => ipVersion(fixed.ip_address) === 4)?.ip_address;

/** A router's ports on internal networks that are not switched off, in an order of their own. */
export const routerInterfaces = (world: World, routerId: string): Port[] =>
  [...world.replica.portsByDevice.of(routerId)]
    .filter((port) => isInterface(port) && port.admin_state_up)
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** Addresses of a port with their subnets, as far as the subnets are known. */
export function subnetsOf(world: World, port: Port): { address: string; subnet: Subnet }[] {
  return port.fixed_ips.flatMap((fixed) => {
    const subnet = world.replica.get('subnet', fixed.subnet_id);
    return subnet === undefined ? [] : [{ address: fixed.ip_address, subnet }];
  });
}
