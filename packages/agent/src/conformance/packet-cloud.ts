import assert from 'node:assert/strict';
import type { FeedPut, NatBackend } from '@portward/model/feed.ts';
import { type TestHost, withHost } from '../../../../test/test-host.ts';
import { AgentHost } from '../testing/agent-host.ts';
import {
  externalNetwork,
  floatingIp,
  forwarding,
  network,
  port,
  router,
  routerPort,
  securityGroup,
  securityGroupRule,
  subnet,
  uuid,
} from '../testing/cloud.ts';
import { type Listening, Prober } from './prober.ts';

/**
 * The cloud of the packet expectations.
 *
 *     far 10.20.0.2 ──(MTU 1300)── isp ──┬── br-ex    10.11.7.0/24   client .100, .110; 10.13.7.0/24 client .100
 *                                        └── br-other 10.12.7.0/24   client-b .100
 *
 * Router 1 (gateway 10.11.7.3) has 192.168.2.0/24 and 192.168.3.0/24. Router 2 (10.11.7.5) has another 192.168.2.0/24:
 * two tenants with the same addresses. Router 3 (10.12.7.3, on the other external network) has 192.168.5.0/24 and
 * translates nothing that leaves.
 */
export const C = {
  public: 0x10,
  publicSubnet: 0x11,
  other: 0x12,
  otherSubnet: 0x13,
  group: 0x20,
  router1: 0x31,
  router2: 0x32,
  router3: 0x33,
  gateway1: 0x41,
  netA: 0x50,
  subnetA: 0x51,
  vm1: 0x71,
  vm2: 0x72,
  vm3: 0x73,
  vm4: 0x74,
  nat1: 0x75,
  nat2: 0x76,
  other1: 0x77,
  other2: 0x78,
  vm5: 0x79,
  vm6: 0x7a,
  f1: 0x81,
  f2: 0x82,
  f3: 0x83,
  f4: 0x84,
} as const;

/** Of the networks inside. */
const MTU = 1450;

/** A router with its gateway and one interface a subnet. */
function routerWith(
  number: number,
  distributed: boolean,
  gateway: { port: number; network: number; subnet: number; address: string },
  inside: { network: number; subnet: number; prefix: string }[],
  enableSnat = true,
): FeedPut[] {
  return [
    router(number, {
      distributed,
      enable_snat: enableSnat,
      gateway_port_id: uuid(gateway.port),
      gateway_network_id: uuid(gateway.network),
    }),
    routerPort(gateway.port, gateway.network, { [gateway.address]: gateway.subnet }, number, 'router_gateway'),
    ...inside.flatMap(({ network: net, subnet: sub, prefix }) => [
      network(net, { mtu: MTU }),
      subnet(sub, net, `${prefix}.0/24`, `${prefix}.1`),
      routerPort(
        0x1000 + sub,
        net,
        { [`${prefix}.1`]: sub },
        number,
        distributed ? 'router_interface_distributed' : 'router_interface',
      ),
      ...(distributed
        ? [routerPort(0x2000 + sub, net, { [`${prefix}.4`]: sub }, number, 'router_centralized_snat')]
        : []),
    ]),
  ];
}

interface Vm {
  readonly name: string;
  readonly number: number;
  readonly network: number;
  readonly subnet: number;
  readonly address: string;
  readonly listens: Listening;
  readonly portSecurity?: boolean;
}

const [netB, subnetB, netO, subnetO, netC, subnetC] = [0x52, 0x53, 0x54, 0x55, 0x56, 0x57];
const inA = { network: C.netA, subnet: C.subnetA };
const inO = { network: netO, subnet: subnetO };
const inC = { network: netC, subnet: subnetC };

/** The usual ports: SSH, DNS, and a few for ranges. */
const USUAL: Listening = { tcp: [22, 53, 4000, 4001, 4002], udp: [53, 4000, 4001, 4002], sctp: [9, 10], dccp: [3202] };

export const VMS: readonly Vm[] = [
  { name: 'vm1', number: C.vm1, ...inA, address: '192.168.2.79', listens: USUAL },
  { name: 'vm2', number: C.vm2, ...inA, address: '192.168.2.80', listens: USUAL },
  { name: 'vm4', number: C.vm4, ...inA, address: '192.168.2.81', listens: USUAL },
  { name: 'nat1', number: C.nat1, ...inA, address: '192.168.2.90', listens: {} },
  { name: 'nat2', number: C.nat2, ...inA, address: '192.168.2.91', listens: {}, portSecurity: false },
  { name: 'vm3', number: C.vm3, network: netB, subnet: subnetB, address: '192.168.3.79', listens: USUAL },
  { name: 'other1', number: C.other1, ...inO, address: '192.168.2.79', listens: USUAL },
  { name: 'other2', number: C.other2, ...inO, address: '192.168.2.80', listens: USUAL },
  { name: 'vm5', number: C.vm5, ...inC, address: '192.168.5.79', listens: USUAL },
  { name: 'vm6', number: C.vm6, ...inC, address: '192.168.5.80', listens: USUAL },
];

/** Forwardings of router 1's first floating IP that no packet can follow. */
export const UNTRANSLATABLE = { icmp: 0x9f1, 'ipv6-icmp': 0x9f2, dccp: 0x9f3 } as const;

function forwardings(): FeedPut[] {
  const [vm1, vm2, vm3] = ['192.168.2.79', '192.168.2.80', '192.168.3.79'];
  return [
    forwarding(0x901, C.f1, 2222, C.vm1, { address: vm1, port: 22 }),
    forwarding(0x902, C.f1, 2023, C.vm2, { address: vm2, port: 22 }),
    forwarding(0x903, C.f1, 3333, C.vm3, { address: vm3, port: 22 }),
    forwarding(0x904, C.f1, 5353, C.vm1, { address: vm1, port: 53 }),
    forwarding(0x905, C.f1, 5353, C.vm2, { address: vm2, port: 53 }, 'udp'),
    forwarding(0x906, C.f1, 5300, C.vm1, { address: vm1, port: 53 }, 'udp'),
    forwarding(0x907, C.f1, 5399, C.vm1, { address: vm1, port: 999 }, 'udp'),
    forwarding(0x908, C.f1, 2399, C.vm1, { address: vm1, port: 999 }),
    forwarding(0x909, C.f1, [3000, 3002], C.vm1, { address: vm1, port: [4000, 4002] }),
    forwarding(0x90a, C.f1, [3000, 3002], C.vm2, { address: vm2, port: [4000, 4002] }, 'udp'),
    forwarding(0x90b, C.f1, [3100, 3102], C.vm1, { address: vm1, port: 22 }),
    forwarding(0x90c, C.f1, [3100, 3102], C.vm2, { address: vm2, port: 53 }, 'udp'),
    forwarding(0x90d, C.f1, 9000, C.vm1, { address: vm1, port: 9 }, 'sctp'),
    forwarding(0x90e, C.f1, [9100, 9101], C.vm2, { address: vm2, port: [9, 10] }, 'sctp'),
    forwarding(0x90f, C.f1, [9200, 9201], C.vm2, { address: vm2, port: 9 }, 'sctp'),
    forwarding(0x910, C.f1, 5301, C.vm3, { address: vm3, port: 53 }, 'udp'),
    forwarding(UNTRANSLATABLE.icmp, C.f1, 3200, C.vm1, { address: vm1, port: 3200 }, 'icmp'),
    forwarding(UNTRANSLATABLE['ipv6-icmp'], C.f1, 3201, C.vm1, { address: vm1, port: 3201 }, 'ipv6-icmp'),
    forwarding(UNTRANSLATABLE.dccp, C.f1, 3202, C.vm1, { address: vm1, port: 3202 }, 'dccp'),
    forwarding(0x921, C.f2, 2222, C.vm2, { address: vm2, port: 22 }),
    forwarding(0x922, C.f2, 5300, C.vm2, { address: vm2, port: 53 }, 'udp'),
    forwarding(0x951, 0x8a, 2222, C.vm2, { address: vm2, port: 22 }),
    forwarding(0x931, C.f3, 2222, C.other1, { address: '192.168.2.79', port: 22 }),
    forwarding(0x932, C.f3, 5300, C.other1, { address: '192.168.2.79', port: 53 }, 'udp'),
    forwarding(0x933, C.f3, 9000, C.other1, { address: '192.168.2.79', port: 9 }, 'sctp'),
    forwarding(0x941, C.f4, 2222, C.vm5, { address: '192.168.5.79', port: 22 }),
    forwarding(0x942, C.f4, 5300, C.vm5, { address: '192.168.5.79', port: 53 }, 'udp'),
  ];
}

/** What the feed tells of the cloud. */
export function packetCloud(distributed: boolean): FeedPut[] {
  const publicGateway = (portNumber: number, address: string) => ({
    port: portNumber,
    network: C.public,
    subnet: C.publicSubnet,
    address,
  });
  return [
    externalNetwork(C.public),
    subnet(C.publicSubnet, C.public, '10.11.7.0/24', '10.11.7.1'),
    subnet(0x14, C.public, '10.13.7.0/24', null),
    externalNetwork(C.other, 'other'),
    subnet(C.otherSubnet, C.other, '10.12.7.0/24', '10.12.7.1'),
    securityGroup(C.group),
    securityGroupRule(0x21, C.group, 'egress'),
    ...['tcp', 'udp', 'sctp', 'icmp', 'dccp'].map((protocol, index) =>
      securityGroupRule(0x22 + index, C.group, 'ingress', { protocol }),
    ),
    ...routerWith(C.router1, distributed, publicGateway(C.gateway1, '10.11.7.3'), [
      { network: C.netA, subnet: C.subnetA, prefix: '192.168.2' },
      { network: netB, subnet: subnetB, prefix: '192.168.3' },
    ]),
    ...routerWith(C.router2, distributed, publicGateway(0x42, '10.11.7.5'), [{ ...inO, prefix: '192.168.2' }]),
    ...routerWith(
      C.router3,
      distributed,
      { port: 0x43, network: C.other, subnet: C.otherSubnet, address: '10.12.7.3' },
      [{ ...inC, prefix: '192.168.5' }],
      false,
    ),
    ...VMS.map((vm) =>
      port(
        vm.number,
        vm.network,
        { [vm.address]: vm.subnet },
        vm.portSecurity === false ? { port_security_enabled: false } : { security_groups: [uuid(C.group)] },
      ),
    ),
    floatingIp(C.f1, C.public, '10.11.7.4', C.router1),
    floatingIp(C.f2, C.public, '10.11.7.14', C.router1),
    floatingIp(0x8a, C.public, '10.13.7.4', C.router1),
    floatingIp(C.f3, C.public, '10.11.7.24', C.router2),
    floatingIp(C.f4, C.other, '10.12.7.4', C.router3),
    floatingIp(0x85, C.public, '10.11.7.6', C.router1, { port: C.vm4, address: '192.168.2.81' }),
    floatingIp(0x86, C.public, '10.11.7.7', C.router1, { port: C.nat1, address: '192.168.2.90' }),
    floatingIp(0x87, C.public, '10.11.7.8', C.router1, { port: C.nat2, address: '192.168.2.91' }),
    floatingIp(0x88, C.public, '10.11.7.26', C.router2, { port: C.other2, address: '192.168.2.80' }),
    floatingIp(0x89, C.other, '10.12.7.6', C.router3, { port: C.vm6, address: '192.168.5.80' }),
    ...forwardings(),
  ];
}

/** Back ends and kinds of routers: every combination has to meet every expectation. */
export interface Combination {
  readonly natBackend: NatBackend;
  readonly router: 'centralised' | 'distributed';
}

export const COMBINATIONS: readonly Combination[] = (['nftables', 'iptables'] as const).flatMap((natBackend) =>
  (['centralised', 'distributed'] as const).map((kind) => ({ natBackend, router: kind })),
);

/** The cloud in a test host of its own, with all VMs listening. */
export async function withPacketCloud(
  combination: Combination,
  use: (cloud: { host: TestHost; agent: AgentHost; prober: Prober }) => Promise<void>,
): Promise<void> {
  await withHost(async (host) => {
    await addOutside(host);
    const agent = new AgentHost(host, {
      natBackend: combination.natBackend,
      bridgeMappings: ['public:br-ex', 'other:br-other'],
    });
    for (const { number, name, address } of VMS) {
      await agent.addVm(number, name, `${address}/24`, address.replace(/\d+$/, '1'));
      // As DHCP tells VMs.
      await host.ip([`link set eth0 mtu ${MTU}`], name);
    }
    await Promise.all([agent.start(packetCloud(combination.router === 'distributed')), addOwnTranslation(host)]);
    const prober = new Prober(host);
    await Promise.all([
      ...VMS.map(({ name, address, listens }) => prober.serve(name, address, listens)),
      ...[
        ['client', '10.11.7.100'],
        ['client-b', '10.12.7.100'],
        ['far', '10.20.0.2'],
      ].map(([name = '', address = '']) => prober.serve(name, address, { tcp: [80], udp: [53], sctp: [9] })),
    ]);
    await use({ host, agent, prober });
    assert.deepEqual(agent.complaints(), []);
  });
}

/** Clients, and the way from one external network to the other and to far away, where packets have to be small. */
async function addOutside(host: TestHost): Promise<void> {
  await host.addBridge('br-ex');
  await host.addBridge('br-other');
  await host.addClient('br-ex', 'client', '10.11.7.100/24', '10.11.7.1');
  await host.addClient('br-other', 'client-b', '10.12.7.100/24', '10.12.7.1');
  await host.addClient('br-ex', 'isp', '10.11.7.1/24');
  await host.ip([
    'netns add far',
    'link add c-isp-b type veth peer name eth1 netns isp',
    'link set c-isp-b master br-other up',
  ]);
  await host.ip(['addr add 10.11.7.110/24 dev eth0', 'addr add 10.13.7.100/24 dev eth0'], 'client');
  // Router 3 translates nothing, so its neighbours have to know the way back.
  await host.ip(['route add 192.168.5.0/24 via 10.12.7.3'], 'client-b');
  await host.ip(
    [
      'link set eth1 up',
      'addr add 10.12.7.1/24 dev eth1',
      'link add eth2 mtu 1300 type veth peer name eth0 mtu 1300 netns far',
      'link set eth2 up',
      'addr add 10.20.0.1/24 dev eth2',
    ],
    'isp',
  );
  await host.ip(
    ['link set lo up', 'link set eth0 up', 'addr add 10.20.0.2/24 dev eth0', 'route add default via 10.20.0.1'],
    'far',
  );
  await host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'], { namespace: 'isp' });
}

/**
 * Two VMs with a floating IP each that forward ports to their neighbours themselves: `nat1` with masquerading and
 * nothing else, `nat2` with the clients' addresses kept, for which its neighbour needs a way back by it.
 */
async function addOwnTranslation(host: TestHost): Promise<void> {
  for (const namespace of ['nat1', 'nat2']) {
    await host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'], { namespace });
    await host.run(['iptables-restore'], {
      namespace,
      input: `*nat
-A PREROUTING -p tcp --dport 8022 -j DNAT --to-destination 192.168.2.80:22
-A PREROUTING -p udp --dport 8053 -j DNAT --to-destination 192.168.2.80:53
${namespace === 'nat1' ? '-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE' : ''}
COMMIT
`,
    });
  }
  await host.ip(['route add 10.11.7.110/32 via 192.168.2.91'], 'vm2');
}
