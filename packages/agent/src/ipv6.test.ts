import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bridgeDevice, dhcpNamespace, tapDevice } from '@portward/model/device-names.ts';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { eventually, type TestHost, withHost } from '../../../test/test-host.ts';
import { AgentHost } from './testing/agent-host.ts';
import { connected } from './testing/article.ts';
import {
  externalNetwork,
  gone,
  macOf,
  network,
  port,
  router,
  routerPort,
  securityGroup,
  securityGroupRule,
  subnet,
  uuid,
} from './testing/cloud.ts';

const CLIENT = fileURLToPath(new URL('testing/ipv6-client.py', import.meta.url));

const [EXTERNAL, EXTERNAL_4, EXTERNAL_6, ROUTER, GATEWAY, GROUP] = [0xe0, 0xe1, 0xe2, 0x30, 0x31, 0xc0];

/** A network of each kind, with a VM; the numbers of a network's objects follow from its own. */
const SLAAC = { mode: 'slaac', number: 0x100, vm: 'auto', address: 'fd00:1::f816:3eff:fe00:105' } as const;
const STATELESS = {
  mode: 'dhcpv6-stateless',
  number: 0x200,
  vm: 'informed',
  address: 'fd00:2::f816:3eff:fe00:205',
} as const;
const STATEFUL = { mode: 'dhcpv6-stateful', number: 0x300, vm: 'leased', address: 'fd00:3::79' } as const;
const KINDS = [SLAAC, STATELESS, STATEFUL];
type Kind = (typeof KINDS)[number];

const ids = (number: number) => ({
  subnet: number + 1,
  interface: number + 2,
  snat: number + 3,
  dhcp: number + 4,
  vm: number + 5,
});
const prefixOf = ({ number }: Kind): string => `fd00:${number / 0x100}::`;
const linkLocalOf = (number: number): string => `fe80::f816:3eff:fe00:${number.toString(16)}`;

const OPTIONS: FeedObjects['port']['extra_dhcp_opts'] = [
  { opt_name: 'bootfile-url', opt_value: 'http://boot/v6', ip_version: 6 },
  { opt_name: '31', opt_value: 'fd00::7b', ip_version: 6 },
  { opt_name: 'bootfile-name', opt_value: 'v4', ip_version: 4 },
];

const vmPort = (kind: Kind, address: string = kind.address): FeedPut =>
  port(
    ids(kind.number).vm,
    kind.number,
    { [address]: ids(kind.number).subnet },
    { security_groups: [uuid(GROUP)], extra_dhcp_opts: kind === SLAAC ? [] : OPTIONS },
  );

function networkOf(kind: Kind, distributed: boolean): FeedPut[] {
  const { number, mode } = kind;
  const own = ids(number);
  const prefix = prefixOf(kind);
  return [
    network(number, { mtu: 1400 }),
    subnet(own.subnet, number, `${prefix}/64`, `${prefix}1`, {
      enable_dhcp: true,
      ipv6_ra_mode: mode,
      ipv6_address_mode: mode,
      dns_nameservers: ['2001:db8::53'],
    }),
    routerPort(
      own.interface,
      number,
      { [`${prefix}1`]: own.subnet },
      ROUTER,
      distributed ? 'router_interface_distributed' : 'router_interface',
    ),
    ...(distributed
      ? [routerPort(own.snat, number, { [`${prefix}4`]: own.subnet }, ROUTER, 'router_centralized_snat')]
      : []),
    port(
      own.dhcp,
      number,
      { [`${prefix}2`]: own.subnet },
      { device_owner: 'network:dhcp', device_id: `dhcp-${uuid(number)}`, port_security_enabled: false },
    ),
    vmPort(kind),
  ];
}

const theRouter = (distributed: boolean, more: Partial<FeedObjects['router']> = {}): FeedPut =>
  router(ROUTER, { distributed, gateway_port_id: uuid(GATEWAY), gateway_network_id: uuid(EXTERNAL), ...more });

/** A router with IPv6 alone, and a network of each kind. */
const cloud = (distributed: boolean): FeedPut[] => [
  externalNetwork(EXTERNAL),
  subnet(EXTERNAL_4, EXTERNAL, '10.11.7.0/24', '10.11.7.1'),
  subnet(EXTERNAL_6, EXTERNAL, '2001:db8:e::/64', '2001:db8:e::1'),
  securityGroup(GROUP),
  securityGroupRule(0xc1, GROUP, 'egress', { ethertype: 'IPv6' }),
  securityGroupRule(0xc2, GROUP, 'ingress', {
    ethertype: 'IPv6',
    protocol: 'tcp',
    port_range_min: 22,
    port_range_max: 22,
  }),
  theRouter(distributed),
  routerPort(GATEWAY, EXTERNAL, { '2001:db8:e::3': EXTERNAL_6 }, ROUTER, 'router_gateway'),
  ...KINDS.flatMap((kind) => networkOf(kind, distributed)),
];

/** A VM before it has asked anybody: it has nothing but a device that is up. */
async function addVm(host: TestHost, name: string, number: number): Promise<void> {
  await host.ip([
    `netns add ${name}`,
    `link add ${tapDevice(uuid(number))} type veth peer name eth0 address ${macOf(number)} netns ${name}`,
  ]);
  await host.ip(['link set lo up', 'link set eth0 up'], name);
}

interface Advertisement {
  from: string;
  managed: boolean;
  other: boolean;
  lifetime: number;
  prefixes: Record<string, string[]>;
  servers: string[];
  mtu?: number;
}

interface Told {
  addresses: Record<string, number>;
  options: Record<string, string | string[]>;
  server: string;
  status?: number;
}

const ask = async <T>(host: TestHost, namespace: string, ...what: string[]): Promise<T | null> =>
  JSON.parse(await host.run(['python3', CLIENT, 'eth0', ...what], { namespace })) as T | null;

const advertisement = (host: TestHost, vm: string) => ask<Advertisement>(host, vm, 'router');
const hex = (text: string): string => Buffer.from(text).toString('hex');

const globalAddresses = async (host: TestHost, namespace: string): Promise<string[]> =>
  (await host.run(['ip', '-6', '-o', 'address', 'show', 'dev', 'eth0', 'scope', 'global', '-tentative'], { namespace }))
    .split('\n')
    .flatMap((line) => / inet6 (\S+)\/\d+/.exec(line)?.[1] ?? []);

/** Ends one dnsmasq as the kernel would. `directory`: where its files are, below the agent's. */
const killDnsmasq = (host: TestHost, directory: string): Promise<string> =>
  host.run(['sh', '-c', 'kill -9 "$(cat "$1")"', 'sh', `${host.directory}/agent/${directory}/pid`]);

async function withCloud(
  distributed: boolean,
  use: (host: TestHost, agent: AgentHost) => Promise<void>,
): Promise<void> {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.addClient('br-ex', 'outside', '2001:db8:e::1/64');
    await host.ip(['route add fd00::/16 via 2001:db8:e::3'], 'outside');
    await Promise.all(KINDS.map(({ vm, number }) => addVm(host, vm, ids(number).vm)));
    const agent = new AgentHost(host, { auditSeconds: 1 });
    await agent.start(cloud(distributed));
    await use(host, agent);
    await agent.kill();
    await agent.cleanUp();
    assert.doesNotMatch(await host.run(['ps', '-eo', 'args']), /dnsmasq/);
  });
}

test('hosts of IPv6 networks learn what their subnet says, and reach the world untranslated', async (t) => {
  await withCloud(false, async (host, agent) => {
    await t.test('SLAAC', async () => {
      assert.deepEqual(await eventually(() => advertisement(host, SLAAC.vm)), {
        from: linkLocalOf(ids(SLAAC.number).interface),
        managed: false,
        other: false,
        lifetime: 300,
        prefixes: { 'fd00:1::/64': ['on-link', 'autonomous'] },
        servers: ['2001:db8::53'],
        mtu: 1400,
      });
      await eventually(async () => (await globalAddresses(host, SLAAC.vm)).length > 0);
      assert.deepEqual(await globalAddresses(host, SLAAC.vm), [SLAAC.address]);
      const routes = await host.run(['ip', '-6', 'route', 'show', 'default'], { namespace: SLAAC.vm });
      assert.match(routes, new RegExp(`^default via ${linkLocalOf(ids(SLAAC.number).interface)} dev eth0 .*mtu 1400`));
    });

    await t.test('DHCPv6 without state', async () => {
      const told = await eventually(() => advertisement(host, STATELESS.vm));
      assert.deepEqual(
        [told.managed, told.other, told.prefixes],
        [false, true, { 'fd00:2::/64': ['on-link', 'autonomous'] }],
      );
      await eventually(async () => (await globalAddresses(host, STATELESS.vm)).length > 0);
      assert.deepEqual(await globalAddresses(host, STATELESS.vm), [STATELESS.address]);
      const informed = await ask<Told>(host, STATELESS.vm, 'inform');
      assert.deepEqual(informed?.options[23], ['2001:db8::53']);
      assert.equal(informed?.options[59], hex('http://boot/v6'));
      assert.equal(informed?.options[31], 'fd00000000000000000000000000007b');
      assert.deepEqual((await ask<Told>(host, STATELESS.vm, 'solicit'))?.addresses, {}, 'nobody gives addresses');
    });

    await t.test('DHCPv6', async () => {
      const told = await eventually(() => advertisement(host, STATEFUL.vm));
      assert.deepEqual([told.managed, told.other, told.prefixes], [true, true, { 'fd00:3::/64': ['on-link'] }]);
      assert.deepEqual(await globalAddresses(host, STATEFUL.vm), [], 'the host makes no address itself');
      const leased = await ask<Told>(host, STATEFUL.vm, 'solicit');
      assert.deepEqual(leased?.addresses, { [STATEFUL.address]: 86_400 });
      assert.deepEqual(leased?.options[23], ['2001:db8::53']);
      assert.equal(leased?.options[59], hex('http://boot/v6'));
      assert.equal(leased?.server, `0004${uuid(STATEFUL.number).replaceAll('-', '')}`);
      await host.addClient(bridgeDevice(uuid(STATEFUL.number)), 'stranger', '192.0.2.1/32');
      assert.deepEqual((await ask<Told>(host, 'stranger', 'solicit'))?.addresses ?? {}, {});
      await host.ip([`addr add ${STATEFUL.address}/128 dev eth0 nodad`], STATEFUL.vm);
    });

    await t.test('packets', async () => {
      await Promise.all(KINDS.map(({ vm, address }) => host.serve(vm, address, [22, 23])));
      await host.serve('outside', '2001:db8:e::1', [80]);
      for (const { vm, address } of KINDS) {
        const [inward, closed, outward] = await Promise.all([
          host.probe('outside', address, 22),
          host.probe('outside', address, 23, { timeoutMs: 300 }),
          host.probe(vm, '2001:db8:e::1', 80),
        ]);
        assert.deepEqual(inward, connected(`${address}:22 sees 2001:db8:e::1`));
        assert.equal(closed.outcome, 'timeout');
        assert.deepEqual(outward, connected(`2001:db8:e::1:80 sees ${address}`));
      }
      assert.deepEqual(
        await host.probe(SLAAC.vm, STATEFUL.address, 22),
        connected(`${STATEFUL.address}:22 sees ${SLAAC.address}`),
      );
    });

    await t.test('a lease outlives DHCP server and agent, and follows the port', async () => {
      const leased = await ask<Told>(host, STATEFUL.vm, 'solicit');
      const renew = () => ask<Told>(host, STATEFUL.vm, 'renew', STATEFUL.address, leased?.server ?? '');
      await agent.kill();
      await killDnsmasq(host, `dhcp/${uuid(STATEFUL.number)}`);
      await agent.start(cloud(false));
      assert.deepEqual((await renew())?.addresses, { [STATEFUL.address]: 86_400 });

      await agent.feed(vmPort(STATEFUL, 'fd00:3::80'));
      assert.deepEqual((await renew())?.addresses ?? {}, {});
      assert.deepEqual((await ask<Told>(host, STATEFUL.vm, 'solicit'))?.addresses, { 'fd00:3::80': 86_400 });
      // Its old address is free for somebody else at once.
      await agent.feed(port(0x3f0, STATEFUL.number, { [STATEFUL.address]: ids(STATEFUL.number).subnet }));
      await addVm(host, 'second', 0x3f0);
      await agent.plugged(0x3f0);
      assert.deepEqual((await ask<Told>(host, 'second', 'solicit'))?.addresses, { [STATEFUL.address]: 86_400 });
    });

    await t.test('what tells of the router is started anew when it is killed, and goes with the router', async () => {
      await killDnsmasq(host, `advertisement/${uuid(ROUTER)}`);
      await eventually(() => agent.complaints().some((text) => text.includes('service|advertisement')));
      assert.ok(await eventually(() => advertisement(host, SLAAC.vm)));
      agent.log.length = 0;
      await agent.feed(theRouter(false, { admin_state_up: false }));
      assert.equal(await advertisement(host, SLAAC.vm), null);
      assert.deepEqual((await ask<Told>(host, STATEFUL.vm, 'solicit'))?.addresses, { 'fd00:3::80': 86_400 });
      await agent.feed(theRouter(false));
      assert.ok(await eventually(() => advertisement(host, SLAAC.vm)));
      assert.equal(agent.status('router', uuid(ROUTER))?.status, 'ACTIVE');
      // A network that leaves its router is told of none.
      await agent.feed(gone('port', ids(SLAAC.number).interface));
      assert.equal(await advertisement(host, SLAAC.vm), null);
      assert.ok(await eventually(() => advertisement(host, STATEFUL.vm)));
    });
  });
});

test('a distributed router leads IPv6 out by its other namespace', async () => {
  await withCloud(true, async (host, agent) => {
    await Promise.all(KINDS.map(({ vm }) => eventually(() => advertisement(host, vm))));
    await host.ip([`addr add ${STATEFUL.address}/64 dev eth0 nodad`], STATEFUL.vm);
    await eventually(async () => (await globalAddresses(host, SLAAC.vm)).length > 0);
    await Promise.all([SLAAC, STATEFUL].map(({ vm, address }) => host.serve(vm, address, [22])));
    await host.serve('outside', '2001:db8:e::1', [80]);
    const reaches = async (): Promise<void> => {
      for (const { vm, address } of [SLAAC, STATEFUL]) {
        assert.deepEqual(await host.probe('outside', address, 22), connected(`${address}:22 sees 2001:db8:e::1`));
        assert.deepEqual(await host.probe(vm, '2001:db8:e::1', 80), connected(`2001:db8:e::1:80 sees ${address}`));
      }
      assert.deepEqual(
        await host.probe(SLAAC.vm, STATEFUL.address, 22),
        connected(`${STATEFUL.address}:22 sees ${SLAAC.address}`),
      );
    };
    await reaches();
    assert.equal(agent.status('router', uuid(ROUTER))?.status, 'ACTIVE');
    await agent.feed(...cloud(false), ...KINDS.map(({ number }) => gone('port', ids(number).snat)));
    await reaches();
    await agent.feed(
      gone('router', ROUTER),
      ...KINDS.map(({ number }) => gone('port', ids(number).interface)),
      gone('port', GATEWAY),
    );
    const namespaces = await host.run(['ip', 'netns']);
    assert.doesNotMatch(namespaces, /qrouter|snat/);
    assert.match(namespaces, new RegExp(dhcpNamespace(uuid(STATEFUL.number))));
    assert.deepEqual(agent.complaints(), []);
  });
});
