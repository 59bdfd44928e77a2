import {
  gatewayDevice,
  gatewayNamespace,
  internalDevice,
  routerNamespace,
  snatDevice,
  snatNamespace,
} from '@portward/model/device-names.ts';
import { parseCidr } from '@portward/model/ip-address.ts';
import type { Item } from './item.ts';
import { MAIN_TABLE, namespaceItem, route, rule, sysctl } from './make-item.ts';
import { routerNat } from './nat.ts';
import { portDevice } from './port-device.ts';
import { carries, firstIpv4, isInterface, isSnat, type Port, type Router, subnetsOf, type World } from './world.ts';

/** Everything of a router but its floating IPs and forwardings. */
export function routerItems(world: World, routerId: string): Item[] {
  const router = world.replica.get('router', routerId);
  if (!carries(world, router)) return [];
  const ports = [...world.replica.portsByDevice.of(router.id)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const inside = routerNamespace(router.id);
  const items = [
    ...namespaceWithSysctls(inside),
    ...ports.filter(isInterface).flatMap((port) => interfaceItems(world, inside, port)),
  ];
  const gateway = world.replica.get('port', router.gateway_port_id);
  if (router.distributed) {
    items.push(...policyRouting(world, router, ports));
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
  for (const extra of router.routes) {
    // In a distributed router what is outside is reached by way of its other namespace.
    const namespace =
      router.distributed && gateway && isReachedBy(world, gateway, extra.nexthop) ? snatNamespace(router.id) : inside;
    items.push(
      route({
        namespace,
        version: extra.nexthop.includes(':') ? 6 : 4,
        table: MAIN_TABLE,
        destination: extra.destination,
        via: extra.nexthop,
        device: null,
      }),
    );
  }
  return items;
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
  const items = portDevice(world, namespace, name, port);
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

/** What comes from an internal subnet and has no route inside goes to the translating namespace, each by its table. */
function policyRouting(world: World, router: Router, ports: Port[]): Item[] {
  const namespace = routerNamespace(router.id);
  const translators = new Map(
    ports
      .filter(isSnat)
      .flatMap((port) => subnetsOf(world, port).map(({ address: ip, subnet }) => [subnet.id, ip] as const)),
  );
  return ports.filter(isInterface).flatMap((port) =>
    subnetsOf(world, port).flatMap(({ address: ip, subnet }) => {
      const translator = translators.get(subnet.id);
      const cidr = parseCidr(subnet.cidr);
      if (translator === undefined || cidr === undefined || cidr.version !== 4) return [];
      const table = Number(cidr.first);
      return [
        rule(namespace, table, `${ip}/${cidr.prefix}`, table),
        route({
          namespace,
          version: 4,
          table,
          destination: 'default',
          via: translator,
          device: internalDevice(port.id),
        }),
      ];
    }),
  );
}

function isReachedBy(world: World, port: Port, nexthop: string): boolean {
  const version = nexthop.includes(':') ? 6 : 4;
  return [...world.replica.subnetsByNetwork.of(port.network_id)].some((subnet) => {
    const cidr = subnet.ip_version === version ? parseCidr(subnet.cidr) : undefined;
    const host = parseCidr(nexthop);
    return cidr !== undefined && host !== undefined && cidr.first <= host.first && host.first <= cidr.last;
  });
}
