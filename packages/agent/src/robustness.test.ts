import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, type TestHost, withHost } from '../../../test/test-host.ts';
import { AgentHost } from './testing/agent-host.ts';
import { article, connected } from './testing/article.ts';
import {
  articleCloud,
  floatingIp,
  forwarding,
  gone,
  N,
  network,
  port,
  router,
  routerPort,
  securityGroup,
  securityGroupRule,
  sshRule,
  subnet,
  uuid,
} from './testing/cloud.ts';

test('UDP, ranges, and protocols that cannot be translated', async () => {
  await article(async ({ host, agent }) => {
    await host.serve('vm1', '192.168.2.79', [53], 'udp');
    await host.serve('vm1', '192.168.2.79', [4000, 4001, 4002]);
    await agent.feed(
      securityGroupRule(0xc6, N.group, 'ingress'),
      forwarding(1, N.floatingIp, 5300, N.vm1, { address: '192.168.2.79', port: 53 }, 'udp'),
      forwarding(2, N.floatingIp, [3000, 3002], N.vm1, { address: '192.168.2.79', port: [4000, 4002] }),
      forwarding(3, N.floatingIp, [3100, 3101], N.vm1, { address: '192.168.2.79', port: 22 }),
      forwarding(4, N.floatingIp, 3200, N.vm1, { address: '192.168.2.79', port: 22 }, 'icmp'),
    );
    const [udp, first, last, one, beside] = await Promise.all([
      host.probe('client', '10.11.7.4', 5300, { protocol: 'udp', send: 'hello' }),
      host.probe('client', '10.11.7.4', 3000),
      host.probe('client', '10.11.7.4', 3002),
      host.probe('client', '10.11.7.4', 3101),
      host.probe('client', '10.11.7.4', 3003),
    ]);
    assert.deepEqual(udp, connected('192.168.2.79:53 sees 10.11.7.100 hello'));
    assert.deepEqual(first, connected('192.168.2.79:4000 sees 10.11.7.100'));
    assert.deepEqual(last, connected('192.168.2.79:4002 sees 10.11.7.100'));
    assert.deepEqual(one, connected('192.168.2.79:22 sees 10.11.7.100'));
    assert.equal(beside.outcome, 'refused');
    assert.equal(agent.status('port_forwarding', uuid(1))?.status, 'ACTIVE');
    assert.equal(agent.status('port_forwarding', uuid(4))?.status, 'ERROR');
    assert.match(agent.status('port_forwarding', uuid(4))?.reason ?? '', /not translatable/);
    assert.equal(agent.status('router', uuid(N.router))?.status, 'ACTIVE');
    assert.equal(agent.status('port', uuid(N.gateway))?.status, 'ACTIVE');
    assert.equal(agent.status('port', uuid(N.vm1))?.status, 'ACTIVE');
  });
});

test('a flow that is older than its forwarding follows it', async () => {
  await article(async ({ host, agent }) => {
    await host.serve('vm1', '192.168.2.79', [53], 'udp');
    // One source port for both tries, so that to the kernel they are one flow.
    const ask = `import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('10.11.7.100',40000)); s.settimeout(0.5)
s.sendto(b'hello',('10.11.7.4',5300))
try: print(s.recv(100).decode())
except Exception: print('nothing')`;
    const before = await host.run(['python3', '-c', ask], { namespace: 'client' });
    assert.match(before, /nothing/);
    await agent.feed(
      securityGroupRule(0xc6, N.group, 'ingress', { protocol: 'udp' }),
      forwarding(1, N.floatingIp, 5300, N.vm1, { address: '192.168.2.79', port: 53 }, 'udp'),
    );
    const after = await eventually(async () => {
      const answer = await host.run(['python3', '-c', ask], { namespace: 'client' });
      return answer.includes('sees') && answer;
    });
    assert.match(after, /192.168.2.79:53 sees 10.11.7.100 hello/);
  });
});

test('a router that fails stops no other, says why, and is tried again', async () => {
  await article(async ({ host, agent }) => {
    const [net, sub, broken, gateway, inside, address] = [0x200, 0x201, 0x202, 0x203, 0x204, 0x205];
    // Somebody has the name that one of the router's devices needs.
    await host.ip(['link add tap00000204-00 type veth peer name stranger']);
    await agent.feed(
      network(net),
      subnet(sub, net, '192.168.9.0/24', '192.168.9.1'),
      routerPort(gateway, N.external, { '10.11.7.5': N.externalSubnet }, broken, 'router_gateway'),
      routerPort(inside, net, { '192.168.9.1': sub }, broken, 'router_interface'),
      router(broken, { gateway_port_id: uuid(gateway), gateway_network_id: uuid(N.external) }),
      floatingIp(address, N.external, '10.11.7.6', N.router, { port: N.vm1, address: '192.168.2.79' }),
    );
    await eventually(() => agent.status('router', uuid(broken))?.status === 'ERROR');
    assert.match(agent.status('router', uuid(broken))?.reason ?? '', /tap00000204-00.*File exists/);
    assert.equal(agent.status('router', uuid(N.router))?.status, 'ACTIVE');
    assert.equal((await host.probe('client', '10.11.7.6', 22)).outcome, 'connected');
    assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'connected');
    await host.ip(['link del tap00000204-00']);
    await eventually(() => agent.status('router', uuid(broken))?.status === 'ACTIVE', { what: 'the router mended' });
    agent.log.length = 0;
  });
});

test('an agent killed at any moment of its work leaves nothing that the next one cannot put right', async () => {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.addClient('br-ex', 'client', '10.11.7.100/24', '10.11.7.1');
    const agent = new AgentHost(host);
    await agent.addVm(N.vm1, 'vm1', '192.168.2.79/24', '192.168.2.1');
    await agent.addVm(N.vm2, 'vm2', '192.168.2.80/24', '192.168.2.1');
    await host.serve('vm1', '192.168.2.79', [22]);
    for (const [round, delay] of [150, 190, 210, 230, 260, 300, 340].entries()) {
      const cloud = [...articleCloud(round % 2 === 0), sshRule()];
      void agent.start(cloud).catch(() => undefined);
      await sleep(delay);
      await agent.kill();
    }
    await agent.start([...articleCloud(true), sshRule()]);
    assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
    const before = agent.operations();
    await agent.kill();
    await agent.start([...articleCloud(true), sshRule()]);
    assert.equal(agent.operations(), before, 'nothing was left to do');
    await agent.kill();
    await agent.cleanUp();
    assert.equal((await host.run(['nft', 'list', 'tables'])).trim(), '');
    assert.deepEqual(await namespaces(host), ['client', 'vm1', 'vm2']);
  });
});

test('what is deleted goes from the host, and routers change their kind', async () => {
  await article(async ({ host, agent }) => {
    await agent.feed(...articleCloud(false), gone('port', N.snat));
    assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'connected');
    assert.deepEqual(await namespaces(host), ['client', `qrouter-${uuid(N.router)}`, 'vm1', 'vm2']);
    await agent.feed(
      router(N.router, {
        admin_state_up: false,
        gateway_port_id: uuid(N.gateway),
        gateway_network_id: uuid(N.external),
      }),
    );
    assert.deepEqual(await namespaces(host), ['client', 'vm1', 'vm2']);
    assert.equal(agent.status('router', uuid(N.router))?.status, 'DOWN');
    await agent.feed(...articleCloud(true));
    assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
    await agent.feed(
      gone('port_forwarding', N.forwarding1),
      gone('port_forwarding', N.forwarding2),
      gone('floatingip', N.floatingIp),
      gone('router', N.router),
      ...[N.gateway, N.interface, N.snat, N.vm1, N.vm2].map((number) => gone('port', number)),
      gone('subnet', N.privateSubnet),
      gone('network', N.private),
    );
    assert.deepEqual(await namespaces(host), ['client', 'vm1', 'vm2']);
    assert.doesNotMatch(await host.run(['ip', '-br', 'link']), /brq/);
    assert.doesNotMatch(await host.run(['nft', 'list', 'ruleset']), /tap0/);
  });
});

test('a VM on a bridge of the operator’s is guarded from the host as from others', async () => {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.ip(['addr add 10.11.7.1/24 dev br-ex']);
    await host.addClient('br-ex', 'client', '10.11.7.100/24');
    const agent = new AgentHost(host);
    await agent.addVm(N.vm1, 'vm1', '10.11.7.79/24', '10.11.7.1');
    const [external, externalSubnet] = articleCloud(true);
    assert.ok(external && externalSubnet);
    await agent.start([
      external,
      externalSubnet,
      securityGroup(N.group),
      securityGroupRule(0xc1, N.group, 'egress'),
      port(N.vm1, N.external, { '10.11.7.79': N.externalSubnet }, { security_groups: [uuid(N.group)] }),
    ]);
    await host.serve('vm1', '10.11.7.79', [22]);
    await host.serve('client', '10.11.7.100', [80]);
    const listener = host.spawn(['python3', '-m', 'http.server', '--bind', '10.11.7.1', '81'], { stdio: 'ignore' });
    await eventually(
      async () => (await host.probe('client', '10.11.7.1', 81, { send: 'GET / HTTP/1.0\n\n' })).outcome === 'connected',
    );
    const fromHost = await host.run([
      'python3',
      '-c',
      "import socket\ns=socket.socket(); s.settimeout(0.5)\ntry: s.connect(('10.11.7.79',22)); print('connected')\nexcept Exception as e: print('no', e)",
    ]);
    assert.match(fromHost, /^no/);
    assert.equal((await host.probe('client', '10.11.7.79', 22, { timeoutMs: 400 })).outcome, 'timeout');
    assert.equal((await host.probe('vm1', '10.11.7.100', 80)).outcome, 'connected');
    assert.equal(
      (await host.probe('vm1', '10.11.7.1', 81, { send: 'GET / HTTP/1.0\n\n' })).outcome,
      'connected',
      'the host answers it',
    );
    await agent.feed(sshRule());
    assert.equal((await host.probe('client', '10.11.7.79', 22)).outcome, 'connected');
    await agent.kill();
    await agent.cleanUp();
    assert.match(await host.run(['ip', '-br', 'link']), /br-ex/);
    listener.kill();
  });
});

const namespaces = async (host: TestHost): Promise<string[]> =>
  (await host.run(['ip', 'netns']))
    .split('\n')
    .flatMap((line) => line.split(' ')[0] || [])
    .sort();
