import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tapDevice } from '@portward/model/device-names.ts';
import type { FeedPut } from '@portward/model/feed.ts';
import fc from 'fast-check';
import { Desired } from '../reconcile/desired.ts';
import { Replica } from '../replica.ts';
import {
  addressGroup,
  externalNetwork,
  floatingIp,
  forwarding,
  gone,
  HOST_NAME,
  network,
  port,
  router,
  routerPort,
  securityGroup,
  securityGroupRule,
  subnet,
  uuid,
} from '../testing/cloud.ts';
import type { Item } from './item.ts';
import { Numbers } from './numbers.ts';
import { allScopes, itemsOf, scopesTouchedBy, scopesTouchedByTap } from './scopes.ts';
import type { World } from './world.ts';

/** Ids are few, so that objects refer to each other, change, go and come again. */
const pick = (base: number, count: number) => fc.integer({ min: base, max: base + count - 1 });
const NETWORKS = 0x10;
const SUBNETS = 0x20;
const ROUTERS = 0x30;
const PORTS = 0x40;
const GROUPS = 0x50;
const RULES = 0x60;
const FLOATING = 0x70;
const FORWARDINGS = 0x80;
const ADDRESS_GROUPS = 0x90;

/** A subnet stays on its network, and a port has addresses of its own network's subnets alone. */
const networkOf = (subnetNumber: number): number => NETWORKS + (subnetNumber % 3);

const hosts = fc.constantFrom(HOST_NAME, HOST_NAME, 'host-2');

const anyPut: fc.Arbitrary<FeedPut> = fc.oneof(
  fc
    .record({ n: pick(NETWORKS, 3), host: hosts, mtu: fc.constantFrom(1400, 1500), up: fc.boolean() })
    .map(({ n, host, mtu, up }) =>
      n === NETWORKS ? externalNetwork(n) : network(n, { agent_host: host, mtu, admin_state_up: up || mtu === 1500 }),
    ),
  fc
    .record({ n: pick(SUBNETS, 4), gateway: fc.constantFrom('10.0.0.1', null) })
    .map(({ n, gateway }) => subnet(n, networkOf(n), `10.0.${n - SUBNETS}.0/24`, gateway)),
  fc
    .record({ n: pick(SUBNETS + 4, 2), mode: fc.constantFrom('slaac' as const, 'dhcpv6-stateful' as const, null) })
    .map(({ n, mode }) => subnet(n, networkOf(n), `fd00:${n}::/64`, null, { ipv6_ra_mode: mode, enable_dhcp: true })),
  fc
    .record({ n: pick(PORTS + 9, 2), sub: pick(SUBNETS + 4, 2), router: pick(ROUTERS, 2), up: fc.boolean() })
    .map(({ n, sub, router: of, up }) => {
      const put = routerPort(n, networkOf(sub), { [`fd00:${sub}::${n}`]: sub }, of, 'router_interface');
      return { ...put, object: { ...put.object, admin_state_up: up } } as FeedPut;
    }),
  fc
    .record({
      n: pick(ROUTERS, 2),
      host: hosts,
      distributed: fc.boolean(),
      up: fc.boolean(),
      gateway: fc.boolean(),
      nexthop: fc.constantFrom('10.0.1.9', '10.0.0.9', 'fd00:36::9'),
      name: fc.constantFrom('a', 'b'),
    })
    .map(({ n, host, distributed, up, gateway, nexthop, name }) =>
      router(n, {
        agent_host: host,
        distributed,
        admin_state_up: up,
        name,
        routes: [{ destination: nexthop.includes(':') ? 'fd99::/64' : '10.99.0.0/16', nexthop }],
        gateway_port_id: gateway ? uuid(PORTS + n - ROUTERS) : null,
        gateway_network_id: gateway ? uuid(NETWORKS) : null,
      }),
    ),
  fc
    .record({ n: pick(PORTS, 2) })
    .map(({ n }) => routerPort(n, NETWORKS, { [`10.0.1.${n}`]: SUBNETS + 1 }, ROUTERS + n - PORTS, 'router_gateway')),
  fc
    .record({
      n: pick(PORTS + 2, 3),
      sub: pick(SUBNETS, 4),
      router: pick(ROUTERS, 2),
      owner: fc.constantFrom('router_interface', 'router_interface_distributed', 'router_centralized_snat'),
    })
    .map(({ n, sub, router: of, owner }) =>
      routerPort(n, networkOf(sub), { [`10.0.${sub - SUBNETS}.${n}`]: sub }, of, owner as never),
    ),
  fc
    .record({
      n: pick(PORTS + 5, 4),
      sub: pick(SUBNETS, 4),
      groups: fc.uniqueArray(pick(GROUPS, 3), { maxLength: 2 }),
      guarded: fc.boolean(),
      host: hosts,
      up: fc.boolean(),
      pairs: fc.subarray(['10.7.0.1', '10.7.0.0/16', '10.7.8.0/24', 'fd00::/64'], { maxLength: 2 }),
    })
    .map(({ n, sub, groups, guarded, host, up, pairs }) =>
      port(
        n,
        networkOf(sub),
        { [`10.0.${sub - SUBNETS}.${n}`]: sub },
        {
          security_groups: groups.map(uuid),
          port_security_enabled: guarded,
          'binding:host_id': host,
          admin_state_up: up,
          allowed_address_pairs: pairs.map((ip_address) => ({ ip_address, mac_address: 'fa:16:3e:00:00:01' })),
        },
      ),
    ),
  fc.record({ n: pick(GROUPS, 3), stateful: fc.boolean() }).map(({ n, stateful }) => securityGroup(n, stateful)),
  fc
    .record({
      n: pick(RULES, 5),
      group: pick(GROUPS, 3),
      remote: fc.option(fc.oneof(pick(GROUPS, 3), pick(ADDRESS_GROUPS, 2))),
      direction: fc.constantFrom('ingress', 'egress'),
    })
    .map(({ n, group, remote, direction }) =>
      securityGroupRule(n, group, direction as 'ingress', {
        [remote !== null && remote >= ADDRESS_GROUPS ? 'remote_address_group_id' : 'remote_group_id']:
          remote === null ? null : uuid(remote),
      }),
    ),
  fc
    .record({
      n: pick(ADDRESS_GROUPS, 2),
      addresses: fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '10.0.1.69/32', '::1/128']),
    })
    .map(({ n, addresses }) => addressGroup(n, ...addresses)),
  fc
    .record({ n: pick(FLOATING, 3), router: fc.option(pick(ROUTERS, 2)), target: fc.boolean() })
    .map(({ n, router: of, target }) =>
      floatingIp(n, NETWORKS, `10.0.0.${n}`, of, target ? { port: PORTS + 5, address: '10.0.1.69' } : null),
    ),
  fc
    .record({
      n: pick(FORWARDINGS, 5),
      of: pick(FLOATING, 3),
      protocol: fc.constantFrom('tcp', 'udp', 'icmp'),
      width: pick(0, 3),
    })
    .map(({ n, of, protocol, width }) =>
      forwarding(
        n,
        of,
        [n * 10, n * 10 + width],
        PORTS + 5,
        { address: '10.0.1.69', port: [22, 22 + width] },
        protocol as 'tcp',
      ),
    ),
);

type Step = { put: FeedPut } | { tap: number; isThere: boolean } | { gone: FeedPut };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: anyPut.map((put) => ({ put })) },
  { weight: 2, arbitrary: anyPut.map((put) => ({ gone: put })) },
  { weight: 1, arbitrary: fc.record({ tap: pick(PORTS + 5, 4), isThere: fc.boolean() }) },
);

for (const [natBackend, misses] of [
  ['nftables', 'refuse'],
  ['iptables', 'drop'],
] as const) {
  test(`the scopes that a change touches are all that change: ${natBackend}`, () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 20, maxLength: 80 }), (steps) => {
        const taps = new Set<string>();
        const world: World = {
          replica: new Replica(),
          host: HOST_NAME,
          bridgeMappings: new Map([['public', 'br-ex']]),
          natBackend,
          misses,
          taps,
          numbers: new Numbers(),
          machines: true,
        };
        const incremental = new Desired();
        for (const scope of allScopes(world)) incremental.set(scope, itemsOf(world, scope));
        for (const step of steps) {
          for (const scope of touchedBy(world, taps, step)) incremental.set(scope, itemsOf(world, scope));
          const full = new Desired();
          for (const scope of allScopes(world)) full.set(scope, itemsOf(world, scope));
          assert.deepEqual(sorted(incremental), sorted(full));
        }
      }),
      { numRuns: 200 },
    );
  });
}

function touchedBy(world: World, taps: Set<string>, step: Step) {
  if ('tap' in step) {
    const name = tapDevice(uuid(step.tap));
    if (step.isThere) taps.add(name);
    else taps.delete(name);
    return scopesTouchedByTap(world, name);
  }
  const change =
    'put' in step ? world.replica.put(step.put) : world.replica.delete(step.gone.kind, step.gone.object.id);
  return change === undefined ? [] : scopesTouchedBy(world, change);
}

const sorted = (desired: Desired): Item[] => [...desired.values()].sort((a, b) => (a.key < b.key ? -1 : 1));

test('an unknown kind of object changes nothing', () => {
  const replica = new Replica();
  assert.equal(replica.put({ kind: 'satellite', object: { id: uuid(1) } } as never), undefined);
  assert.equal(replica.delete('satellite' as never, uuid(1)), undefined);
  assert.equal(replica.delete(gone('port', 1).kind, uuid(1)), undefined);
});
