import { gatewayNamespace } from '@portward/model/device-names.ts';
import { type Cidr, parseCidr } from '@portward/model/ip-address.ts';
import { floatingIpPlace } from './floating-ip.ts';
import { firstIpv4, gatewayPort, isInterface, isSnat, type Port, type Router, subnetsOf, type World } from './world.ts';

/** One direction of a connection: who sends to whom. */
interface Direction {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** IANA's number. */
  readonly protocol: number;
}

/** What was sent, and how answers come: where they differ, addresses are translated. */
export interface TrackedConnection {
  readonly original: Direction;
  readonly reply: Direction;
}

/** Tells of each IPv4 connection in a namespace whether it goes as the desired state would lead a new one. */
export interface Agreement {
  agrees(connection: TrackedConnection): boolean;
  /** Whether what is sent to this address and port is to be led to that one. */
  leads(protocol: number, from: Place, to: Place): boolean;
}

interface Place {
  readonly address: string;
  readonly port: number;
}

const PROTOCOL_NUMBERS: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };
const ROUTER_NAMESPACE = /^(?:qrouter|snat)-(.+)$/;

/** The agreement of a router's namespace, as the world is now. */
export function agreementOf(world: World, namespace: string): Agreement {
  const router = world.replica.get('router', ROUTER_NAMESPACE.exec(namespace)?.[1] ?? null);
  const gateway = gatewayPort(world, router);
  if (router === undefined || gateway === undefined || gatewayNamespace(router) !== namespace) {
    return { agrees: isUntranslated, leads: (_, from, to) => from.address === to.address };
  }
  const way = wayOut(world, router, gateway);
  return {
    agrees: (connection) =>
      isRightInward(world, namespace, connection) && isRightOutward(world, namespace, way, connection),
    leads: (protocol, from, to) => isLed(world, namespace, protocol, from, to),
  };
}

const isUntranslated = ({ original, reply }: TrackedConnection): boolean =>
  original.destination === reply.source && original.source === reply.destination;

const isRightInward = (world: World, namespace: string, { original, reply }: TrackedConnection): boolean =>
  isLed(
    world,
    namespace,
    original.protocol,
    { address: original.destination, port: original.destinationPort },
    { address: reply.source, port: reply.sourcePort },
  );

function isLed(world: World, namespace: string, protocol: number, from: Place, to: Place): boolean {
  const wanted = translationOf(world, namespace, from.address, protocol, from.port);
  if (wanted === undefined) return to.address === from.address;
  return wanted.address === to.address && (wanted.port === undefined || wanted.port === to.port);
}

function isRightOutward(world: World, namespace: string, way: WayOut, { original, reply }: TrackedConnection): boolean {
  const isInward = reply.source !== original.destination;
  const seen = reply.destination;
  // One that began before anything translated it. What came in by a translation may keep its source.
  if (seen === original.source) return isInward || !isToBeTranslated(world, namespace, way, original);
  // A VM that has got a floating IP keeps what it opened by way of the router: that works on.
  if (seen === way.address) return isInward || way.enableSnat;
  return floatingIpTarget(world, namespace, seen) === original.source;
}

/** What decides how packets leave by a router's gateway. */
interface WayOut {
  readonly address: string | undefined;
  readonly enableSnat: boolean;
  /** Where packets do not leave by the gateway: internal subnets, and destinations of extra routes. */
  readonly inside: readonly Cidr[];
  readonly subnets: readonly Cidr[];
  /** The router's own addresses: what they send and receive is not forwarded. */
  readonly own: ReadonlySet<string>;
}

function wayOut(world: World, router: Router, gateway: Port): WayOut {
  const ports = [...world.replica.portsByDevice.of(router.id)];
  const internal = ports.filter((port) => isInterface(port) || isSnat(port));
  const subnets = internal.flatMap((port) => subnetsOf(world, port).flatMap(({ subnet }) => cidrsOf(subnet.cidr)));
  return {
    address: firstIpv4(gateway),
    enableSnat: router.enable_snat,
    subnets,
    inside: [...subnets, ...router.routes.flatMap(({ destination }) => cidrsOf(destination))],
    own: new Set(ports.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address))),
  };
}

function isToBeTranslated(world: World, namespace: string, way: WayOut, { source, destination }: Direction): boolean {
  if (way.own.has(source) || way.own.has(destination) || isGroup(destination)) return false;
  if (!covers(way.subnets, source) || covers(way.inside, destination)) return false;
  // To a floating IP of the router: either translated inwards, or answered by the router.
  for (const floatingIp of world.replica.floatingIpsByAddress.of(destination)) {
    if (floatingIpPlace(world, floatingIp)?.namespace === namespace) return false;
  }
  if (way.address !== undefined && way.enableSnat) return true;
  for (const floatingIp of world.replica.floatingIpsByRouter.of(ROUTER_NAMESPACE.exec(namespace)?.[1] ?? '')) {
    if (floatingIp.port_id !== null && floatingIp.fixed_ip_address === source) return true;
  }
  return false;
}

/** Multicast and broadcast. */
const isGroup = (address: string): boolean => Number(address.split('.')[0]) >= 224;

const cidrsOf = (text: string): Cidr[] => {
  const cidr = parseCidr(text);
  return cidr?.version === 4 ? [cidr] : [];
};

function covers(cidrs: readonly Cidr[], address: string): boolean {
  const host = parseCidr(address);
  return host !== undefined && cidrs.some(({ first, last }) => first <= host.first && host.first <= last);
}

/** The VM to which a floating IP belongs entirely. */
function floatingIpTarget(world: World, namespace: string, external: string): string | undefined {
  const target = translationOf(world, namespace, external, 0, 0);
  return target?.port === undefined ? target?.address : undefined;
}

/**
 * Where the desired state leads a connection to this address and port of a namespace; without port when that stays as
 * it is; undefined when it leads nowhere.
 */
function translationOf(
  world: World,
  namespace: string,
  external: string,
  protocol: number,
  port: number,
): { address: string; port?: number } | undefined {
  for (const floatingIp of world.replica.floatingIpsByAddress.of(external)) {
    if (floatingIpPlace(world, floatingIp)?.namespace !== namespace) continue;
    if (floatingIp.port_id !== null && floatingIp.fixed_ip_address !== null) {
      return { address: floatingIp.fixed_ip_address };
    }
    for (const forwarding of world.replica.forwardingsNear(floatingIp.id, port)) {
      if (PROTOCOL_NUMBERS[forwarding.protocol] !== protocol) continue;
      if (port < forwarding.external_first || port > forwarding.external_last) continue;
      const width = forwarding.internal_last - forwarding.internal_first;
      return {
        address: forwarding.internal_ip_address,
        port: forwarding.internal_first + (width === 0 ? 0 : port - forwarding.external_first),
      };
    }
  }
  return undefined;
}
