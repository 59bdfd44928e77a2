import type { NatBackend } from '@portward/model/feed.ts';
import type { Item } from './item.ts';
import { iptablesNat } from './nat-iptables.ts';
import type { Forwarding, NatLayout, RouterGateway } from './nat-layout.ts';
import { nftablesNat } from './nat-nftables.ts';

const LAYOUTS: Record<NatBackend, NatLayout> = { nftables: nftablesNat, iptables: iptablesNat };

export const routerNat = (backend: NatBackend, namespace: string, gateway: RouterGateway): Item[] =>
  LAYOUTS[backend].router(namespace, gateway);

export const floatingIpNat = (backend: NatBackend, namespace: string, external: string, internal: string): Item[] =>
  LAYOUTS[backend].floatingIp(namespace, external, internal);

export const silenceNat = (backend: NatBackend, namespace: string, external: string): Item[] =>
  LAYOUTS[backend].silence(namespace, external);

export const forwardingNat = (backend: NatBackend, namespace: string, forwarding: Forwarding): Item[] =>
  LAYOUTS[backend].forwarding(namespace, forwarding);
