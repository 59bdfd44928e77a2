import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/test-host.ts';
import type { AgentHost } from './testing/agent-host.ts';
import { article, connected, gatewayNamespace } from './testing/article.ts';
import { forwarding, N, router, routerPort, uuid } from './testing/cloud.ts';

const [OTHER, GATEWAY] = [0x500, 0x501];

/** Another router on the same external network. */
const otherRouter = [
  routerPort(GATEWAY, N.external, { '10.11.7.9': N.externalSubnet }, OTHER, 'router_gateway'),
  router(OTHER, { gateway_port_id: uuid(GATEWAY), gateway_network_id: uuid(N.external) }),
].map((line) => ({ ...line, seq: 0 }));

const stands = (agent: AgentHost, kind: 'router' | 'port_forwarding', number: number, status: string) =>
  eventually(() => agent.status(kind, uuid(number))?.status === status, {
    what: `${kind} ${status}`,
    timeoutMs: 20_000,
  });

const TARGET = { address: '192.168.2.79', port: 22 };

test('a namespace that cannot be made is told of its router, and no other waits', { timeout: 60_000 }, async () => {
  await article(async ({ host, agent }) => {
    const path = `/run/netns/qrouter-${uuid(OTHER)}`;
    await host.run(['mkdir', path]);
    agent.send(...otherRouter);
    await stands(agent, 'router', OTHER, 'ERROR');
    assert.match(agent.status('router', uuid(OTHER))?.reason ?? '', /cannot be made.*see what stands at \/run\/netns/);
    await agent.feed(forwarding(1, N.floatingIp, 3000, N.vm1, TARGET));
    assert.deepEqual(await host.probe('client', '10.11.7.4', 3000), connected('192.168.2.79:22 sees 10.11.7.100'));
    await host.run(['rmdir', path]);
    await stands(agent, 'router', OTHER, 'ACTIVE');
    agent.log.length = 0;
  });
});

test('without iptables forwardings say so, and what needs none goes on', { timeout: 60_000 }, async () => {
  await article(async ({ host, agent }) => {
    // A view of the file system without the tools: the agent sees it as this host does.
    const path = (await host.run(['sh', '-c', 'command -v iptables-restore'])).trim();
    const folder = path.slice(0, path.lastIndexOf('/'));
    const upper = `${host.directory}/upper`;
    await host.run(['mkdir', '-p', upper]);
    await host.run(['mount', '-t', 'tmpfs', 'upper', upper]);
    await host.run(['mkdir', `${upper}/files`, `${upper}/work`]);
    const layers = `lowerdir=${folder},upperdir=${upper}/files,workdir=${upper}/work`;
    await host.run(['mount', '-t', 'overlay', 'overlay', '-o', layers, folder]);
    await host.run(['rm', `${folder}/iptables-restore`, `${folder}/iptables-save`]);
    agent.send({ ...forwarding(1, N.floatingIp, 3000, N.vm1, TARGET), seq: 0 });
    await stands(agent, 'port_forwarding', 1, 'ERROR');
    assert.match(
      agent.status('port_forwarding', uuid(1))?.reason ?? '',
      /The command 'iptables-restore' is not installed; Debian's package iptables brings it/,
    );
    // What stands goes on, also when the kernel is read back; filters need no iptables.
    assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'connected');
    await host.run(['nft', 'flush', 'table', 'inet', 'portward']);
    const filter = () => host.run(['nft', 'list', 'table', 'inet', 'portward']);
    await eventually(async () => (await filter()).includes('comment "portward:'), { what: 'the filter mended' });
    assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'connected');
    await host.run(['umount', folder]);
    await stands(agent, 'port_forwarding', 1, 'ACTIVE');
    assert.equal((await host.probe('client', '10.11.7.4', 3000)).outcome, 'connected');
    agent.log.length = 0;
  }, 'iptables');
});

test('rules of others in iptables’ own chains stay where they are, and a jump of ours that is gone comes back', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    const namespace = gatewayNamespace(true);
    const theirs = ['PREROUTING', '-d', '10.11.7.4/32', '-p', 'tcp', '-m', 'tcp', '--dport', '9999', '-j', 'ACCEPT'];
    const rules = async () =>
      (await host.run(['iptables', '-t', 'nat', '-S', 'PREROUTING'], { namespace })).trim().split('\n').slice(1);
    await host.run(['iptables', '-t', 'nat', '-I', ...theirs], { namespace });
    const both = [`-A ${theirs.join(' ')}`, '-A PREROUTING -j neutron-l3-agent-PREROUTING'];
    await agent.check();
    assert.deepEqual(await rules(), both);
    await host.run(['iptables', '-t', 'nat', '-D', 'PREROUTING', '-j', 'neutron-l3-agent-PREROUTING'], { namespace });
    await eventually(async () => (await rules()).length === 2, { what: 'our jump', timeoutMs: 8000 });
    assert.deepEqual(await rules(), both);
    agent.log.length = 0;
  }, 'iptables');
});
