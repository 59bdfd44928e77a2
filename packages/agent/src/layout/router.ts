import {
  gatewayDevice,
  gatewayNamespace,
  internalDevice,
  routerNamespace,
  snatDevice,
  snatNamespace,
} from '@portward/model/device-names.ts';
import { cidrContains, parseCidr } from '@portward/model/ip-address.ts';
import type { Item } from './item.ts';
import { MAIN_TABLE, namespaceItem, route, rule, sysctl } from './make-item.ts';
import { routerNat } from './nat.ts';
import { GATEWAY_GROUP } from './nat-layout.ts';
import { portDevice } from './port-device.ts';
import {
  carries,
  firstIpv4,
  isSnat,
  type Port,
  type Router,
  routerInterfaces,
  type Subnet,
  subnetsOf,
  type World,
} from './world.ts';

/** Everything of a router but its floating IPs and forwardings. */
export function routerItems(world: World, routerId: string): Item[] {
  const router = world.replica.get('router', routerId);
  if (!carries(world, router)) return [];
  const ports = [...world.replica.portsByDevice.of(router.id)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const inside = routerNamespace(router.id);
  const items = [
    ...namespaceWithSysctls(inside),
    ...routerInterfaces(world, router.id).flatMap((port) => interfaceItems(world, inside, port)),
  ];
  const gateway = world.replica.get('port', router.gateway_port_id);
  if (router.distributed) {
    items.push(...waysOut(world, router, ports));
    if (gateway) items.push(...snatItems(world, router, ports));
  }
  if (gateway) {
    items.push(...gatewayItems(world, gatewayNamespace(router), gateway));
    items.push(
      ...routerNat(world.natBackend, gatewayNamespace(router), {
        device: gatewayDevice(gateway.id),
        address: firstIpv4(gateway),
        enableSnat: router.enable_snat,
        misses: world.misses,
      }),
    );
  }
  items.push(...extraRoutes(world, router, gateway));
  return items;
}

/** A device from which a next hop on one of its subnets can be reached. */
interface Exit {
  readonly namespace: string;
  readonly device: string;
  readonly subnets: readonly Subnet[];
}

/**
 * A router's extra routes, in each of its namespaces from which the next hop can be reached: inside; outside, in a
 * distributed router by way of its other namespace; and there also what is inside, for packets that come from outside.
 */
function extraRoutes(world: World, router: Router, gateway: Port | undefined): Item[] {
  const exits = exitsOf(world, router, gateway);
  return router.routes.flatMap(({ destination, nexthop }) => {
    const namespaces = new Set<string>();
    return exits.flatMap(({ namespace, device, subnets }) => {
      if (namespaces.has(namespace) || !subnets.some(({ cidr }) => cidrContains(cidr, nexthop))) return [];
      namespaces.add(namespace);
      const version = nexthop.includes(':') ? 6 : 4;
      return [route({ namespace, version, table: MAIN_TABLE, destination, via: nexthop, device })];
    });
  });
}

function exitsOf(world: World, router: Router, gateway: Port | undefined): Exit[] {
  const own = (port: Port): Subnet[] => subnetsOf(world, port).map(({ subnet }) => subnet);
  const exits: Exit[] = routerInterfaces(world, router.id).map((port) => ({
    namespace: routerNamespace(router.id),
    device: internalDevice(port.id),
    subnets: own(port),
  }));
  if (gateway === undefined) return exits;
  if (router.distributed) {
    for (const port of [...world.replica.portsByDevice.of(router.id)].filter(isSnat)) {
      exits.push({ namespace: snatNamespace(router.id), device: snatDevice(port.id), subnets: own(port) });
    }
  }
  const subnets = [...world.replica.subnetsByNetwork.of(gateway.network_id)];
  exits.push({ namespace: gatewayNamespace(router), device: gatewayDevice(gateway.id), subnets });
  return exits;
}

/** A namespace that forwards. Parameters of `default` are there before the first device is. */
function namespaceWithSysctls(namespace: string): Item[] {
  const values: [string, number][] = [
    ['net/ipv4/ip_forward', 1],
    ['net/ipv4/conf/all/arp_ignore', 1],
    ['net/ipv4/conf/all/arp_announce', 2],
    ['net/ipv4/conf/all/promote_secondaries', 1],
    // The answer to a distributed router's client takes another way than the question: loose, not strict.
    ['net/ipv4/conf/all/rp_filter', 2],
    ['net/ipv4/conf/default/rp_filter', 2],
    // A VM that reaches its neighbour through a floating IP leaves by the device it came from.
    ['net/ipv4/conf/all/send_redirects', 0],
    ['net/ipv4/conf/default/send_redirects', 0],
  ];
  const ipv6: [string, number][] = [
    ['net/ipv6/conf/all/forwarding', 1],
    ['net/ipv6/conf/default/accept_ra', 0],
    ['net/ipv6/conf/default/accept_dad', 0],
    // Neighbours hear of link-local addresses; of others, which skip the search for duplicates, the agent tells itself.
    ['net/ipv6/conf/default/ndisc_notify', 1],
  ];
  return [
    namespaceItem(namespace),
    ...values.map(([name, value]) => sysctl(namespace, name, value)),
    ...ipv6.map(([name, value]) => sysctl(namespace, name, value, true)),
    sysctl(namespace, 'net/bridge/bridge-nf-call-iptables', 0, true),
    sysctl(namespace, 'net/bridge/bridge-nf-call-ip6tables', 0, true),
  ];
}

const interfaceItems = (world: World, namespace: string, port: Port): Item[] =>
  portDevice(world, namespace, internalDevice(port.id), port);

/** The gateway's device with its addresses, and the way to everywhere. */
function gatewayItems(world: World, namespace: string, port: Port): Item[] {
  const name = gatewayDevice(port.id);
  const items = portDevice(world, namespace, name, port, GATEWAY_GROUP);
  if (items.length === 0) return [];
  const own = new Set(port.fixed_ips.map((fixed) => fixed.subnet_id));
  const external = [...world.replica.subnetsByNetwork.of(port.network_id)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const withDefault = new Set<number>();
  for (const subnet of external) {
    const isOwn = own.has(subnet.id);
    if (!isOwn) {
      // Other subnets of the external network are next door: floating IPs may come from them.
      items.push(
        route({
          namespace,
          version: subnet.ip_version,
          table: MAIN_TABLE,
          destination: subnet.cidr,
          via: null,
          device: name,
        }),
      );
    }
    if (!isOwn || subnet.gateway_ip === null || withDefault.has(subnet.ip_version)) continue;
    withDefault.add(subnet.ip_version);
    if (!isNextDoor(subnet)) {
      items.push(
        route({
          namespace,
          version: subnet.ip_version,
          table: MAIN_TABLE,
          destination: subnet.gateway_ip,
          via: null,
          device: name,
        }),
      );
    }
    items.push(
      route({
        namespace,
        version: subnet.ip_version,
        table: MAIN_TABLE,
        destination: 'default',
        via: subnet.gateway_ip,
        device: name,
      }),
    );
  }
  return items;
}

/** Whether a subnet's gateway can be asked for without a route of its own. */
const isNextDoor = ({ cidr, gateway_ip: gateway }: Subnet): boolean =>
  gateway === null || cidrContains(cidr, gateway) || cidrContains('fe80::/10', gateway);

/** The namespace in which a distributed router translates: its own address on each internal subnet. */
function snatItems(world: World, router: Router, ports: Port[]): Item[] {
  const namespace = snatNamespace(router.id);
  return [
    ...namespaceWithSysctls(namespace),
    // Half of a connection may pass elsewhere: a packet in mid-stream must not open an entry that gets translated.
    sysctl(namespace, 'net/netfilter/nf_conntrack_tcp_loose', 0),
    ...ports.filter(isSnat).flatMap((port) => portDevice(world, namespace, snatDevice(port.id), port)),
  ];
}

/**
 * In a distributed router, what has no route inside goes to the translating namespace: IPv4 from each subnet by a table
 * of its own, so that it meets its translator next door; IPv6, which nobody translates, by one way for all.
 */
function waysOut(world: World, router: Router, ports: Port[]): Item[] {
  const namespace = routerNamespace(router.id);
  const translators = new Map(
    ports
      .filter(isSnat)
      .flatMap((port) => subnetsOf(world, port).map(({ address: ip, subnet }) => [subnet.id, ip] as const)),
  );
  let hasIpv6 = false;
  return routerInterfaces(world, router.id).flatMap((port) =>
    subnetsOf(world, port).flatMap(({ address: ip, subnet }) => {
      const translator = translators.get(subnet.id);
      const cidr = parseCidr(subnet.cidr);
      if (translator === undefined || cidr === undefined || (cidr.version === 6 && hasIpv6)) return [];
      hasIpv6 ||= cidr.version === 6;
      const table = cidr.version === 6 ? MAIN_TABLE : Number(cidr.first);
      const way = route({
        namespace,
        version: cidr.version,
        table,
        destination: 'default',
        via: translator,
        device: internalDevice(port.id),
      });
      return cidr.version === 6 ? [way] : [rule(namespace, table, `${ip}/${cidr.prefix}`, table), way];
    }),
  );
}
