import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedPut } from '@portward/model/feed.ts';
import { eventually, type TestHost } from '../../../test/test-host.ts';
import type { AgentHost } from './testing/agent-host.ts';
import { article, connected } from './testing/article.ts';
import { forwarding, N, port, router, routerPort, subnet, uuid } from './testing/cloud.ts';

const DHCP_PORT = 0xd9;

/** DHCP for the private network. */
const withDhcp: readonly FeedPut[] = [
  subnet(N.privateSubnet, N.private, '192.168.2.0/24', '192.168.2.1', { enable_dhcp: true }),
  port(
    DHCP_PORT,
    N.private,
    { '192.168.2.2': N.privateSubnet },
    { device_owner: 'network:dhcp', device_id: `dhcp-${uuid(N.private)}`, port_security_enabled: false },
  ),
];

/** What is asked for meanwhile is carried out, and what was there goes on. */
async function othersGoOn(host: TestHost, agent: AgentHost): Promise<void> {
  await agent.feed(forwarding(1, N.floatingIp, 3000, N.vm1, { address: '192.168.2.79', port: 22 }));
  for (const external of [2222, 3000]) {
    const probe = await host.probe('client', '10.11.7.4', external);
    assert.deepEqual(probe, connected('192.168.2.79:22 sees 10.11.7.100'));
  }
}

/** The faults are told as errors; a test that is about them expects them. */
const forgetComplaints = (agent: AgentHost): void => {
  agent.log.length = 0;
};

const standsAs = (agent: AgentHost, kind: 'port' | 'router', number: number, status: string) =>
  eventually(() => agent.status(kind, uuid(number))?.status === status, {
    what: `${kind} ${status}`,
    timeoutMs: 20_000,
  });

test('a full disk keeps DHCP from being served, says so, and stands in nobody else’s way', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    const directory = `${host.directory}/agent`;
    await host.run(['mkdir', '-p', directory]);
    await host.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'full', directory]);
    await host.run(['sh', '-c', `cat /dev/zero >${directory}/filler 2>/dev/null || true`]);
    agent.send(...withDhcp.map((line) => ({ ...line, seq: 0 })));
    await standsAs(agent, 'port', DHCP_PORT, 'ERROR');
    assert.match(agent.status('port', uuid(DHCP_PORT))?.reason ?? '', /no space left on device/i);
    await othersGoOn(host, agent);
    await host.run(['rm', `${directory}/filler`]);
    await standsAs(agent, 'port', DHCP_PORT, 'ACTIVE');
    forgetComplaints(agent);
  });
});

test('a tool that is missing is named, with its package, and what needs no tool goes on', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    // A view of the file system in which the tool is not: the agent sees it as this host does.
    const path = (await host.run(['sh', '-c', 'command -v dnsmasq'])).trim();
    const folder = path.slice(0, path.lastIndexOf('/'));
    const upper = `${host.directory}/upper`;
    await host.run(['mkdir', '-p', upper, `${host.directory}/work`]);
    await host.run(['mount', '-t', 'tmpfs', 'upper', upper]);
    await host.run(['mkdir', `${upper}/files`, `${upper}/work`]);
    await host.run([
      ...['mount', '-t', 'overlay', 'overlay', '-o'],
      `lowerdir=${folder},upperdir=${upper}/files,workdir=${upper}/work`,
      folder,
    ]);
    await host.run(['rm', path]);
    agent.send(...withDhcp.map((line) => ({ ...line, seq: 0 })));
    await standsAs(agent, 'port', DHCP_PORT, 'ERROR');
    assert.match(
      agent.status('port', uuid(DHCP_PORT))?.reason ?? '',
      /The command 'dnsmasq' is not installed; Debian's package dnsmasq-base brings it/,
    );
    await othersGoOn(host, agent);
    await host.run(['umount', folder]);
    await standsAs(agent, 'port', DHCP_PORT, 'ACTIVE');
    forgetComplaints(agent);
  });
});

test('a router that the kernel refuses pauses longer and longer, and is there as soon as it can be', {
  timeout: 90_000,
}, async () => {
  await article(async ({ host, agent }) => {
    const [other, gateway] = [0x500, 0x501];
    // Somebody holds the name of the device that its gateway needs.
    await host.ip(['link add tap00000501-00 type veth peer name stranger']);
    agent.send(
      ...[
        routerPort(gateway, N.external, { '10.11.7.9': N.externalSubnet }, other, 'router_gateway'),
        router(other, { gateway_port_id: uuid(gateway), gateway_network_id: uuid(N.external) }),
      ].map((line) => ({ ...line, seq: 0 })),
    );
    await standsAs(agent, 'router', other, 'ERROR');
    const tries = () => agent.log.filter(({ msg }) => msg === 'not applied').length;
    await eventually(() => tries() >= 4, { what: 'four tries', timeoutMs: 20_000 });
    const started = performance.now();
    const before = tries();
    await othersGoOn(host, agent);
    assert.ok(tries() - before <= 2 + (performance.now() - started) / 500, 'it does not try without a pause');
    assert.equal(agent.status('router', uuid(N.router))?.status, 'ACTIVE');
    await host.ip(['link del tap00000501-00']);
    await standsAs(agent, 'router', other, 'ACTIVE');
    forgetComplaints(agent);
  });
});
