import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/test-host.ts';
import type { AgentHost } from './testing/agent-host.ts';
import { article, gatewayNamespace } from './testing/article.ts';
import { forwarding, gone, N, port, subnet, uuid } from './testing/cloud.ts';

/** What somebody does behind the agent's back, in the namespace of the router's gateway unless said otherwise. */
interface Damage {
  readonly what: string;
  readonly argv: readonly string[];
  readonly namespace?: string;
}

const onHost = (what: string, ...argv: string[]): Damage => ({ what, argv, namespace: '' });
const inRouter = (what: string, ...argv: string[]): Damage => ({ what, argv });

const DAMAGES: readonly Damage[] = [
  inRouter('an address deleted', 'ip', 'address', 'del', '10.11.7.4/32', 'dev', 'qg-000000b0-00'),
  inRouter('an address added', 'ip', 'address', 'add', '10.11.7.77/32', 'dev', 'qg-000000b0-00'),
  inRouter('the default route deleted', 'ip', 'route', 'del', 'default'),
  inRouter('all routes deleted, even those that the kernel made', 'ip', 'route', 'flush', 'table', 'main'),
  inRouter('a device down', 'ip', 'link', 'set', 'qg-000000b0-00', 'down'),
  inRouter('a device in another group', 'ip', 'link', 'set', 'qg-000000b0-00', 'group', '7'),
  inRouter('packets not forwarded', 'sysctl', '-qw', 'net.ipv4.ip_forward=0'),
  inRouter('a device deleted', 'ip', 'link', 'del', 'sg-000000b2-00'),
  onHost('the filter flushed', 'nft', 'flush', 'ruleset'),
  onHost('bridged packets not filtered', 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0'),
  onHost('a VM unplugged', 'ip', 'link', 'set', 'tap000000d1-00', 'nomaster'),
  onHost('a bridge down', 'ip', 'link', 'set', 'brq000000a0-00', 'down'),
  onHost('a namespace deleted', 'ip', 'netns', 'del', `qrouter-${uuid(N.router)}`),
];

const OF_BACK_END: Record<'nftables' | 'iptables', readonly Damage[]> = {
  nftables: [
    inRouter('the map flushed', 'nft', 'flush', 'map', 'ip', 'portward', 'forwardings'),
    inRouter('the table deleted', 'nft', 'delete', 'table', 'ip', 'portward'),
  ],
  iptables: [
    inRouter('a rule deleted', 'iptables', '-t', 'nat', '-F', 'neutron-l3-agent-fip-pf'),
    inRouter('all rules deleted', 'iptables', '-t', 'nat', '-F'),
  ],
};

/** Entries of the log by which the agent says that it suspects something, or found it. */
const entries = (agent: AgentHost, message: string) => agent.log.filter(({ msg }) => msg === message);
const SUSPECTS = 'the kernel is to be looked at';
const FOUND = 'the kernel was not as it should be';
const COMPARED = 'the kernel was compared';

const driftOf = (agent: AgentHost): number => agent.reports.at(-1)?.configurations.drift ?? 0;

async function mended(agent: AgentHost, what: string, damage: () => Promise<unknown>): Promise<void> {
  const found = entries(agent, FOUND).length;
  const counted = driftOf(agent);
  await damage();
  // The periodic audit is a minute away.
  await eventually(() => entries(agent, FOUND).length > found, { what, timeoutMs: 8000 });
  await eventually(() => driftOf(agent) > counted, { what: `${what}: counted and reported` });
  // One that reads the kernel while it is being broken finds a part; what it does not find is found next.
  await eventually(() => agent.check().then(() => true), { what: `${what}: all of it mended`, timeoutMs: 8000 });
}

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`what somebody breaks is noticed at once, mended and counted: ${natBackend}`, { timeout: 180_000 }, async () => {
    await article(async ({ host, agent }) => {
      for (const { what, argv, namespace = gatewayNamespace(true) } of [...DAMAGES, ...OF_BACK_END[natBackend]]) {
        await mended(agent, what, () => host.run(argv, namespace === '' ? {} : { namespace }));
        const { outcome } = await eventually(async () => {
          const probe = await host.probe('client', '10.11.7.4', 2222);
          return probe.outcome === 'connected' && probe;
        });
        assert.equal(outcome, 'connected', what);
      }
      await agent.feed(
        subnet(N.privateSubnet, N.private, '192.168.2.0/24', '192.168.2.1', { enable_dhcp: true }),
        port(
          0xd9,
          N.private,
          { '192.168.2.2': N.privateSubnet },
          {
            device_owner: 'network:dhcp',
            device_id: `dhcp-${uuid(N.private)}`,
            port_security_enabled: false,
          },
        ),
      );
      const pids = () => host.run(['ip', 'netns', 'pids', `qdhcp-${uuid(N.private)}`]);
      const before = await pids();
      assert.notEqual(before, '');
      await mended(agent, 'dnsmasq killed', () => host.run(['kill', '-9', before.trim()]));
      assert.ok(!['', before].includes(await pids()), 'another one serves');
      agent.log.length = 0;
    }, natBackend);
  });

  test(`only the namespace that somebody changed is looked at: ${natBackend}`, { timeout: 60_000 }, async () => {
    await article(async ({ host, agent }) => {
      const namespace = gatewayNamespace(true);
      agent.log.length = 0;
      await mended(agent, 'an address deleted', () =>
        host.run(['ip', 'address', 'del', '10.11.7.4/32', 'dev', 'qg-000000b0-00'], { namespace }),
      );
      assert.deepEqual(
        entries(agent, COMPARED).map(({ where }) => where),
        [[namespace]],
      );
      agent.log.length = 0;
    }, natBackend);
  });

  test(`what the agent does itself makes it suspect nothing: ${natBackend}`, { timeout: 60_000 }, async () => {
    await article(async ({ host, agent }) => {
      for (let round = 0; round < 3; round += 1) {
        await agent.feed(forwarding(1, N.floatingIp, 3000, N.vm1, { address: '192.168.2.79', port: 23 }));
        await agent.feed(gone('port_forwarding', 1));
      }
      // All forwardings go, and with them the address; then the router, with its namespaces.
      await agent.feed(gone('port_forwarding', N.forwarding1), gone('port_forwarding', N.forwarding2));
      await agent.feed(gone('floatingip', N.floatingIp));
      await host.ip(['link add later type bridge']);
      assert.deepEqual(entries(agent, SUSPECTS), []);
    }, natBackend);
  });
}

test('somebody who changes things without end gets no more than a part of the agent’s time', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    const namespace = gatewayNamespace(true);
    const flush = 'for i in $(seq 400); do nft add table ip theirs; nft delete table ip theirs; done';
    const started = performance.now();
    const before = agent.log.length;
    const churn = host.run(['sh', '-c', flush], { namespace, timeoutMs: 50_000 });
    // What is asked for meanwhile is done meanwhile.
    await agent.feed(forwarding(1, N.floatingIp, 3000, N.vm1, { address: '192.168.2.79', port: 23 }));
    await churn;
    const elapsed = performance.now() - started;
    assert.ok(entries(agent, SUSPECTS).length > 0);
    const compared = agent.log
      .slice(before)
      .flatMap(({ msg, milliseconds = 0 }) => (msg === COMPARED ? [milliseconds] : []));
    const spent = compared.reduce((sum, one) => sum + one, 0);
    // After a burst of two seconds a fifth of the time; the last comparison may overdraw it.
    assert.ok(spent <= 2000 + 0.2 * elapsed + Math.max(...compared), `${spent} of ${elapsed} ms`);
    assert.equal(entries(agent, FOUND).length, 0, 'what is theirs is no drift');
  });
});
