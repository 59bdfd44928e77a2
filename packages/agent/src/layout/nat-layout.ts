import type { Misses } from '@portward/model/feed.ts';
import type { TranslatableProtocol } from '@portward/model/port-forwarding.ts';
import type { Item } from './item.ts';

/** A router's way out. */
export interface RouterGateway {
  readonly device: string;
  /** First IPv4 address; without one nothing is translated on the way out. */
  readonly address: string | undefined;
  readonly enableSnat: boolean;
  readonly misses: Misses;
}

/** Ports of a floating IP that lead to a VM; the ranges are equally wide, or the internal one is one port. */
export interface Forwarding {
  readonly id: string;
  readonly protocol: TranslatableProtocol;
  readonly externalAddress: string;
  readonly externalFirst: number;
  readonly externalLast: number;
  readonly internalAddress: string;
  readonly internalFirst: number;
  readonly internalLast: number;
}

/** One way of having the kernel translate; each function gives the items for the namespace. */
export interface NatLayout {
  /** What there is once in each namespace with a gateway. */
  router(namespace: string, gateway: RouterGateway): Item[];
  /** A floating IP that belongs to one VM entirely. */
  floatingIp(namespace: string, external: string, internal: string): Item[];
  forwarding(namespace: string, forwarding: Forwarding): Item[];
  /** What makes a floating IP that has forwardings silent on all other ports; the router's `misses` is `drop`. */
  silence(namespace: string, external: string): Item[];
}

/**
 * Device group of routers' gateways. To compare it costs a rule half of what the device's name costs. A number that
 * nobody is likely to have given a name in /etc/iproute2/group.
 */
export const GATEWAY_GROUP = 28774;
