import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { snatNamespace, tapDevice } from '@portward/model/device-names.ts';
import type { FeedPut, Misses, NatBackend } from '@portward/model/feed.ts';
import { HOST, type Item } from '../layout/item.ts';
import { Numbers } from '../layout/numbers.ts';
import { allScopes, itemsOf, type ScopeKind } from '../layout/scopes.ts';
import type { World } from '../layout/world.ts';
import { Replica } from '../replica.ts';
import {
  addressGroup,
  articleCloud,
  floatingIp,
  forwarding,
  HOST_NAME,
  N,
  port,
  securityGroupRule,
  sshRule,
  uuid,
} from '../testing/cloud.ts';
import { iptablesTransaction } from './iptables-transaction.ts';
import { bindingLines, bridgeLines, deviceEndLines, deviceLines, routeLines, ruleLines } from './link-lines.ts';
import { nftTransaction } from './nft-transaction.ts';
import { type Operation, ofType } from './operation.ts';

/**
 * What the kernel's tools are given for one thing of each kind, as files to read and to compare with. Set
 * UPDATE_GOLDEN=1 to write them anew after an intended change.
 */
function golden(name: string, text: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(new URL('golden/', import.meta.url), { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'));
}

/** Operations that make what the scopes of some kinds want in one namespace. */
function additions(
  namespace: string,
  kinds: ScopeKind[],
  natBackend: NatBackend = 'nftables',
  more: FeedPut[] = [],
  misses: Misses = 'refuse',
): Operation[] {
  const world: World = {
    replica: new Replica(),
    host: HOST_NAME,
    bridgeMappings: new Map([['public', 'br-ex']]),
    natBackend,
    misses,
    taps: new Set([N.vm1, N.vm2].map((number) => tapDevice(uuid(number)))),
    numbers: new Numbers(),
    machines: false,
  };
  for (const put of [...articleCloud(true), sshRule(), ...more]) world.replica.put(put);
  const items = new Map<string, Item>();
  for (const scope of allScopes(world)) {
    if (!kinds.some((kind) => scope.startsWith(`${kind}:`))) continue;
    for (const item of itemsOf(world, scope)) if (item.namespace === namespace) items.set(item.key, item);
  }
  return [...items.values()].map((item) => ({ action: 'add', item, scope: 'host:' }));
}

const SNAT = snatNamespace(uuid(N.router));
const nft = (operations: Operation[]): string => nftTransaction(operations, new Set());
const iptables = (operations: Operation[]): string => iptablesTransaction(operations, () => []);

/** A range that is shifted, a range on one port, UDP, and a protocol that has no ports. */
const FURTHER_FORWARDINGS = [
  forwarding(0xaa01, N.floatingIp, [3000, 3002], N.vm1, { address: '192.168.2.79', port: [4000, 4002] }),
  forwarding(0xaa02, N.floatingIp, [3100, 3101], N.vm1, { address: '192.168.2.79', port: 80 }, 'udp'),
  forwarding(0xaa03, N.floatingIp, 3200, N.vm1, { address: '192.168.2.79', port: 80 }, 'icmp'),
];
const WHOLE = [floatingIp(0xff, N.external, '10.11.7.9', N.router, { port: N.vm2, address: '192.168.2.80' })];

test('the firewall of a host', () => golden('host.nft', nft(additions(HOST, ['host']))));

test('a port with its network and groups', () => {
  const rules = [
    securityGroupRule(0xcc1, N.group, 'ingress', {
      protocol: 'udp',
      port_range_min: 5000,
      port_range_max: 5010,
      remote_ip_prefix: '10.0.0.7/8',
    }),
    securityGroupRule(0xcc2, N.group, 'ingress', { protocol: 'icmp', port_range_min: 8, port_range_max: 0 }),
    securityGroupRule(0xcc3, N.group, 'ingress', { protocol: 'icmp', ethertype: 'IPv6', port_range_min: 128 }),
    securityGroupRule(0xcc4, N.group, 'ingress', { protocol: 'vrrp', remote_ip_prefix: '0.0.0.0/0' }),
    securityGroupRule(0xcc5, N.group, 'ingress', { protocol: '132', port_range_min: 9, port_range_max: 9 }),
    securityGroupRule(0xcc6, N.group, 'ingress', { remote_address_group_id: uuid(0xad) }),
    securityGroupRule(0xcc7, N.group, 'egress', { ethertype: 'IPv6', remote_address_group_id: uuid(0xad) }),
    securityGroupRule(0xcc8, N.group, 'ingress', { protocol: 'tcp', remote_address_group_id: uuid(0xae) }),
    addressGroup(0xad, '10.0.0.0/8', '10.1.0.0/16', '192.0.2.0/25', '192.0.2.128/25', '198.51.100.7/32', 'fd00::/64'),
  ];
  const kinds = ['network', 'port', 'security_group', 'group_members', 'address_group'] as const;
  golden('port.nft', nft(additions(HOST, [...kinds], 'nftables', rules)));
});

test('a port with allowed address pairs', () => {
  const pairs = port(
    N.vm1,
    N.private,
    { '192.168.2.79': N.privateSubnet, 'fd00::79': N.privateSubnet },
    {
      allowed_address_pairs: [
        { ip_address: '192.168.2.64/26', mac_address: 'fa:16:3e:00:00:d1' },
        { ip_address: '10.0.0.1', mac_address: '02:00:00:00:00:01' },
        { ip_address: '192.168.2.65', mac_address: 'fa:16:3e:00:00:d1' },
      ],
    },
  );
  const operations = additions(HOST, ['port'], 'nftables', [pairs]);
  golden('port-with-pairs.nft', nft(operations.filter(({ item }) => item.key.includes('from-tap000000d1'))));
});

for (const [backend, render, suffix] of [
  ['nftables', nft, 'nft'],
  ['iptables', iptables, 'iptables'],
] as const) {
  test(`a router: ${backend}`, () => golden(`router.${suffix}`, render(additions(SNAT, ['router'], backend))));
  test(`forwardings: ${backend}`, () =>
    golden(`forwardings.${suffix}`, render(additions(SNAT, ['port_forwarding'], backend, FURTHER_FORWARDINGS))));
  test(`a router that is silent on what is not forwarded: ${backend}`, () =>
    golden(`silent.${suffix}`, render(additions(SNAT, ['router', 'floatingip'], backend, [], 'drop'))));
  test(`a floating IP of one VM: ${backend}`, () =>
    golden(`floating-ip.${suffix}`, render(additions(SNAT, ['floatingip'], backend, WHOLE))));
}

test('links, routes and rules', () => {
  const all = [HOST, SNAT, `qrouter-${uuid(N.router)}`].map((namespace) => ({
    namespace,
    operations: additions(namespace, ['network', 'router', 'port']),
  }));
  const everything = all.flatMap(({ operations }) => operations);
  const lines = [
    '# host',
    ...ofType(everything, 'bridge').flatMap(bridgeLines),
    ...ofType(everything, 'device').flatMap(deviceLines),
    ...ofType(everything, 'binding').flatMap(bindingLines),
    ...all.flatMap(({ namespace, operations }) => [
      `# ${namespace || 'host'}`,
      ...ofType(operations, 'device').flatMap(deviceEndLines),
      ...ofType(operations, 'route').flatMap(routeLines),
      ...ofType(operations, 'rule').flatMap(ruleLines),
    ]),
  ];
  golden('links.ip', `${lines.join('\n')}\n`);
});

test('a name that would be a command is refused', () => {
  const [operation] = additions(HOST, ['network']).filter(({ item }) => item.type === 'nft-element');
  assert.ok(operation);
  const evil = { ...operation, item: { ...operation.item, element: 'tap" }; flush ruleset; #' } as Item };
  assert.throws(() => nft([evil]), /no name of a device/);
});
