import { gatewayDevice, gatewayNamespace } from '@portward/model/device-names.ts';
import { isTranslatable } from '@portward/model/port-forwarding.ts';
import type { Item } from './item.ts';
import { address } from './make-item.ts';
import { floatingIpNat, forwardingNat, silenceNat } from './nat.ts';
import { bridgeOf, type FloatingIp, gatewayPort, type World } from './world.ts';

/** Where a floating IP is on this host: the namespace and device of its router's gateway. */
export function floatingIpPlace(
  world: World,
  floatingIp: FloatingIp | undefined,
): { namespace: string; device: string } | undefined {
  const router = world.replica.get('router', floatingIp?.router_id ?? null);
  const gateway = gatewayPort(world, router);
  if (router === undefined || gateway === undefined) return undefined;
  if (bridgeOf(world, world.replica.get('network', gateway.network_id)) === undefined) return undefined;
  return { namespace: gatewayNamespace(router), device: gatewayDevice(gateway.id) };
}

/** The address of a floating IP that leads anywhere, and its translation when it belongs to one VM entirely. */
export function floatingIpItems(world: World, id: string): Item[] {
  const floatingIp = world.replica.get('floatingip', id);
  const place = floatingIpPlace(world, floatingIp);
  if (floatingIp === undefined || place === undefined) return [];
  const target = floatingIp.port_id === null ? null : floatingIp.fixed_ip_address;
  if (target === null && !world.replica.forwardingsByFloatingIp.has(id)) return [];
  const external = floatingIp.floating_ip_address;
  return [
    address(place.namespace, place.device, `${external}/32`, true),
    ...(target === null ? [] : floatingIpNat(world.natBackend, place.namespace, external, target)),
    ...(target === null && world.misses === 'drop' ? silenceNat(world.natBackend, place.namespace, external) : []),
  ];
}

/** The translation of one forwarding; none for a protocol without ports. */
export function forwardingItems(world: World, id: string): Item[] {
  const forwarding = world.replica.get('port_forwarding', id);
  if (forwarding === undefined || !isTranslatable(forwarding.protocol)) return [];
  const floatingIp = world.replica.get('floatingip', forwarding.floatingip_id);
  const place = floatingIpPlace(world, floatingIp);
  if (floatingIp === undefined || place === undefined) return [];
  return forwardingNat(world.natBackend, place.namespace, {
    id,
    protocol: forwarding.protocol,
    externalAddress: floatingIp.floating_ip_address,
    externalFirst: forwarding.external_first,
    externalLast: forwarding.external_last,
    internalAddress: forwarding.internal_ip_address,
    internalFirst: forwarding.internal_first,
    internalLast: forwarding.internal_last,
  });
}
