import type { Item } from './item.ts';
import { iptablesChain, iptablesRule } from './make-item.ts';
import type { Forwarding, NatLayout, RouterGateway } from './nat-layout.ts';

/** Prefix of all chains, the name of Neutron's program: operators look for it. */
const W = 'neutron-l3-agent';
/** Mark of what came in by the gateway: it keeps its source address. Neutron's external_ingress_mark. */
const MARKED = '0x2/0xffff';

type Rule = readonly [table: string, chain: string, rule: string, rank?: number];

const CHAINS: readonly (readonly [table: string, chain: string])[] = [
  ['nat', `${W}-PREROUTING`],
  ['nat', `${W}-OUTPUT`],
  ['nat', `${W}-POSTROUTING`],
  ['nat', 'neutron-postrouting-bottom'],
  ['nat', `${W}-snat`],
  ['nat', `${W}-float-snat`],
  ['mangle', `${W}-PREROUTING`],
  ['mangle', `${W}-mark`],
];

/** What is not translated is the router's own to answer. The table `nat` refuses to drop: `filter` does it. */
const INPUT_CHAIN = ['filter', `${W}-INPUT`] as const;

const RULES: readonly Rule[] = [
  ['nat', 'PREROUTING', `-j ${W}-PREROUTING`],
  ['nat', 'OUTPUT', `-j ${W}-OUTPUT`],
  ['nat', 'POSTROUTING', `-j ${W}-POSTROUTING`, 1],
  ['nat', 'POSTROUTING', '-j neutron-postrouting-bottom', 2],
  ['nat', 'neutron-postrouting-bottom', `-m comment --comment "Perform source NAT on outgoing traffic." -j ${W}-snat`],
  ['nat', `${W}-snat`, `-j ${W}-float-snat`, 1],
  ['mangle', 'PREROUTING', `-j ${W}-PREROUTING`],
  ['mangle', `${W}-PREROUTING`, `-j ${W}-mark`],
];

/** Neutron's chains, in its order, so that what operators know of them holds. Cost grows with the forwardings. */
function router(namespace: string, gateway: RouterGateway): Item[] {
  const { device, address, enableSnat, misses } = gateway;
  const own: Rule[] = [
    ['nat', `${W}-POSTROUTING`, `! -o ${device} -m conntrack ! --ctstate DNAT -j ACCEPT`],
    ['mangle', `${W}-mark`, `-i ${device} -j MARK --set-xmark ${MARKED}`],
  ];
  if (address !== undefined && enableSnat) {
    own.push(['nat', `${W}-snat`, `-o ${device} -j SNAT --to-source ${address} --random-fully`, 2]);
  }
  if (address !== undefined) {
    own.push([
      'nat',
      `${W}-snat`,
      `-m mark ! --mark ${MARKED} -m conntrack --ctstate DNAT -j SNAT --to-source ${address} --random-fully`,
      3,
    ]);
  }
  const chains = misses === 'drop' ? [...CHAINS, INPUT_CHAIN] : CHAINS;
  if (misses === 'drop') own.push(['filter', 'INPUT', `-j ${W}-INPUT`]);
  return [
    ...chains.map(([table, chain]) => iptablesChain(namespace, table, chain)),
    ...[...RULES, ...own].map(([table, chain, rule, rank]) => iptablesRule(namespace, table, chain, rule, rank)),
  ];
}

function floatingIp(namespace: string, external: string, internal: string): Item[] {
  const inward = `-d ${external}/32 -j DNAT --to-destination ${internal}`;
  return [
    iptablesRule(namespace, 'nat', `${W}-PREROUTING`, inward, 1),
    iptablesRule(namespace, 'nat', `${W}-OUTPUT`, inward, 1),
    iptablesRule(
      namespace,
      'nat',
      `${W}-float-snat`,
      `-s ${internal}/32 -j SNAT --to-source ${external} --random-fully`,
    ),
  ];
}

function forwarding(namespace: string, of: Forwarding): Item[] {
  const chain = `${W}-pf-${of.id.slice(0, 8)}`;
  return [
    iptablesChain(namespace, 'nat', `${W}-fip-pf`),
    iptablesRule(namespace, 'nat', `${W}-PREROUTING`, `-j ${W}-fip-pf`, 2),
    iptablesChain(namespace, 'nat', chain),
    iptablesRule(namespace, 'nat', `${W}-fip-pf`, `-j ${chain}`),
    iptablesRule(
      namespace,
      'nat',
      chain,
      `-d ${of.externalAddress}/32 -p ${of.protocol} -m ${of.protocol} --dport ${externalPorts(of)} ` +
        `-j DNAT --to-destination ${of.internalAddress}:${internalPorts(of)}`,
    ),
  ];
}

function silence(namespace: string, external: string): Item[] {
  return ['tcp', 'udp', 'sctp'].map((protocol) =>
    iptablesRule(namespace, 'filter', `${W}-INPUT`, `-d ${external}/32 -p ${protocol} -j DROP`),
  );
}

const externalPorts = (of: Forwarding): string =>
  of.externalFirst === of.externalLast ? String(of.externalFirst) : `${of.externalFirst}:${of.externalLast}`;

/** A shifted range carries its base, so that the first port leads to the first (kernel 4.18, iptables 1.8). */
const internalPorts = (of: Forwarding): string =>
  of.internalFirst === of.internalLast
    ? String(of.internalFirst)
    : `${of.internalFirst}-${of.internalLast}/${of.externalFirst}`;

/** Translation by iptables with the chains that Neutron's L3 agent makes. */
export const iptablesNat: NatLayout = { router, floatingIp, forwarding, silence };
