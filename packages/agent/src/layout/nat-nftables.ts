import type { Item } from './item.ts';
import { nftChain, nftElement, nftSet } from './make-item.ts';
import { type Forwarding, GATEWAY_GROUP, type NatLayout, type RouterGateway } from './nat-layout.ts';

const FAMILY = 'ip';

/** Pings are still answered. */
const DROP_SILENT = 'ip daddr @silent meta l4proto { tcp, udp, sctp } drop';

/**
 * One hash map for all forwardings of a router, so that a packet costs the same whatever their number, and so that a
 * change is a change of elements. Base chains are made once: registering a hook again loses packets. Chains that
 * translate see the first packet of a connection only: there is no other chain, which would see all.
 */
function router(namespace: string, gateway: RouterGateway): Item[] {
  const { device, address, enableSnat, misses } = gateway;
  const leaving = `oifname "${device}"`;
  return [
    nftSet(
      namespace,
      FAMILY,
      'forwardings',
      'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;',
      true,
    ),
    ...(misses === 'drop' ? silent(namespace) : []),
    nftSet(namespace, FAMILY, 'floating-ips', 'type ipv4_addr : ipv4_addr;', true),
    nftSet(namespace, FAMILY, 'floating-sources', 'type ipv4_addr : ipv4_addr;', true),
    nftChain(
      namespace,
      FAMILY,
      'prerouting',
      [
        'dnat ip to ip daddr . meta l4proto . th dport map @forwardings',
        'dnat to ip daddr map @floating-ips',
        // What found no translation. A connection that is refused here leaves no entry behind.
        ...(misses === 'drop' ? [DROP_SILENT] : []),
      ],
      { type: 'nat', hook: 'prerouting', priority: -100 },
    ),
    nftChain(namespace, FAMILY, 'output', ['dnat to ip daddr map @floating-ips'], {
      type: 'nat',
      hook: 'output',
      priority: -100,
    }),
    nftChain(
      namespace,
      FAMILY,
      'postrouting',
      [
        // What came in by the gateway keeps its source, and is most of what comes here.
        `iifgroup ${GATEWAY_GROUP} accept`,
        `oifname != "${device}" ct status & dnat != dnat accept`,
        'snat to ip saddr map @floating-sources',
        ...(address !== undefined && enableSnat ? [`${leaving} snat to ${address} fully-random`] : []),
        // A VM that reaches its own router's floating IP: the answer has to come back this way.
        ...(address === undefined
          ? []
          : [`iifname != "${device}" ct status & dnat == dnat snat to ${address} fully-random`]),
      ],
      { type: 'nat', hook: 'postrouting', priority: 100 },
    ),
  ];
}

function floatingIp(namespace: string, external: string, internal: string): Item[] {
  return [
    nftElement(namespace, FAMILY, 'floating-ips', external, internal),
    nftElement(namespace, FAMILY, 'floating-sources', internal, external),
  ];
}

/** Packets that open no connection, such as those of one whose forwarding went, never see a chain that translates. */
const silent = (namespace: string): Item[] => [
  nftSet(namespace, FAMILY, 'silent', 'type ipv4_addr;'),
  nftChain(namespace, FAMILY, 'input', [DROP_SILENT], { type: 'filter', hook: 'input', priority: 0 }),
];

function silence(namespace: string, external: string): Item[] {
  return [nftElement(namespace, FAMILY, 'silent', external)];
}

/** One element a port: ranges in a map would cost each packet a search. */
function forwarding(namespace: string, of: Forwarding): Item[] {
  const items: Item[] = [];
  const oneToOne = of.internalLast - of.internalFirst === of.externalLast - of.externalFirst;
  for (let port = of.externalFirst; port <= of.externalLast; port++) {
    const target = oneToOne ? of.internalFirst + port - of.externalFirst : of.internalFirst;
    items.push(
      nftElement(
        namespace,
        FAMILY,
        'forwardings',
        `${of.externalAddress} . ${of.protocol} . ${port}`,
        `${of.internalAddress} . ${target}`,
      ),
    );
  }
  return items;
}

/** Translation by nftables: a table `ip portward` in the namespace. */
export const nftablesNat: NatLayout = { router, floatingIp, forwarding, silence };
