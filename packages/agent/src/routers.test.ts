import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { article, connected } from './testing/article.ts';
import { gone, N, network, port, router, routerPort, securityGroupRule, subnet, uuid } from './testing/cloud.ts';

/** Another host carries the router out, and its networks with it. */
const ELSEWHERE = 'host-2';
const COMBINATIONS = [
  ['nftables', true],
  ['iptables', false],
] as const;

const theRouter = (distributed: boolean, more: Partial<FeedObjects['router']> = {}): FeedPut =>
  router(N.router, { distributed, gateway_port_id: uuid(N.gateway), gateway_network_id: uuid(N.external), ...more });

for (const [natBackend, distributed] of COMBINATIONS) {
  const kind = distributed ? 'distributed' : 'centralised';

  test(`extra routes lead behind VMs and outside: ${natBackend}, ${kind}`, async () => {
    await article(
      async ({ host, agent }) => {
        // Behind vm2 is a network of its own, to which it forwards; behind the client another.
        await host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'], { namespace: 'vm2' });
        await host.ip(['addr add 172.20.0.1/32 dev lo'], 'vm2');
        await host.ip(['addr add 172.21.0.1/32 dev lo', 'addr add 172.21.0.2/32 dev lo'], 'client');
        await Promise.all([
          host.serve('vm2', '172.20.0.1', [22]),
          host.serve('client', '172.21.0.1', [80]),
          host.serve('client', '172.21.0.2', [80]),
        ]);
        await host.ip(['route add 172.20.0.0/24 via 10.11.7.3'], 'client');
        // What is behind vm2 is not vm2's own address.
        const vm2 = port(N.vm2, N.private, { '192.168.2.80': N.privateSubnet }, { port_security_enabled: false });
        const lost = await host.probe('vm1', '172.20.0.1', 22, { timeoutMs: 300 });
        assert.notEqual(lost.outcome, 'connected');
        await agent.feed(
          vm2,
          theRouter(distributed, {
            routes: [
              { destination: '172.20.0.0/24', nexthop: '192.168.2.80' },
              { destination: '172.21.0.1/32', nexthop: '10.11.7.100' },
              { destination: '0.0.0.0/0', nexthop: '10.11.7.100' },
            ],
          }),
        );
        const [inside, fromOutside, single, byDefault, forwarded] = await Promise.all([
          host.probe('vm1', '172.20.0.1', 22),
          host.probe('client', '172.20.0.1', 22, { timeoutMs: 1000 }),
          host.probe('vm1', '172.21.0.1', 80),
          host.probe('vm1', '172.21.0.2', 80),
          host.probe('client', '10.11.7.4', 2222),
        ]);
        assert.deepEqual(inside, connected('172.20.0.1:22 sees 192.168.2.79'));
        // A distributed router sends out what its own subnets send, as Neutron's does: nothing from behind a VM.
        assert.deepEqual(
          fromOutside,
          distributed ? { outcome: 'timeout', data: '' } : connected('172.20.0.1:22 sees 10.11.7.100'),
        );
        assert.deepEqual(single, connected('172.21.0.1:80 sees 10.11.7.3'));
        assert.deepEqual(byDefault, connected('172.21.0.2:80 sees 10.11.7.3'));
        assert.deepEqual(forwarded, connected('192.168.2.79:22 sees 10.11.7.100'));
        await agent.feed(theRouter(distributed));
        assert.notEqual((await host.probe('vm1', '172.20.0.1', 22, { timeoutMs: 300 })).outcome, 'connected');
      },
      natBackend,
      distributed,
    );
  });

  test(`interfaces come, are switched off, and go; the router moves to another host: ${natBackend}, ${kind}`, async () => {
    await article(
      async ({ host, agent }) => {
        const [second, other, inner, snat, vm] = [0xa5, 0xa6, 0xb5, 0xb6, 0xd5];
        const owner = distributed ? 'router_interface_distributed' : 'router_interface';
        const own = (up: boolean): FeedPut => {
          const put = routerPort(inner, other, { '192.168.7.1': second }, N.router, owner);
          return { ...put, object: { ...put.object, admin_state_up: up } } as FeedPut;
        };
        await agent.addVm(vm, 'vm5', '192.168.7.9/24', '192.168.7.1');
        await agent.feed(
          network(other),
          subnet(second, other, '192.168.7.0/24', '192.168.7.1'),
          securityGroupRule(0xc6, N.group, 'ingress', { protocol: 'tcp' }),
          own(true),
          ...(distributed
            ? [routerPort(snat, other, { '192.168.7.4': second }, N.router, 'router_centralized_snat')]
            : []),
          port(vm, other, { '192.168.7.9': second }, { security_groups: [uuid(N.group)] }),
        );
        await host.serve('vm5', '192.168.7.9', [22]);
        const reach = () => host.probe('vm1', '192.168.7.9', 22, { timeoutMs: 500 });
        assert.deepEqual(await reach(), connected('192.168.7.9:22 sees 192.168.2.79'));
        assert.deepEqual(await host.probe('vm5', '10.11.7.100', 80), connected('10.11.7.100:80 sees 10.11.7.3'));
        await agent.feed(own(false));
        assert.notEqual((await reach()).outcome, 'connected');
        assert.equal(agent.status('port', uuid(inner))?.status, 'DOWN');
        await agent.feed(own(true));
        assert.deepEqual(await reach(), connected('192.168.7.9:22 sees 192.168.2.79'));
        await agent.feed(gone('port', inner), gone('port', snat));
        assert.notEqual((await reach()).outcome, 'connected');

        await agent.feed(theRouter(distributed, { admin_state_up: false }));
        assert.notEqual((await host.probe('client', '10.11.7.4', 2222, { timeoutMs: 300 })).outcome, 'connected');
        await agent.feed(theRouter(distributed));
        assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
        await agent.feed(theRouter(distributed, { agent_host: ELSEWHERE }));
        assert.doesNotMatch(await host.run(['ip', 'netns']), /qrouter|snat/);
        assert.doesNotMatch(await host.run(['ip', '-br', 'link']), /tap000000b/);
        assert.equal(agent.status('router', uuid(N.router))?.status, 'DOWN');
        await agent.feed(theRouter(distributed));
        assert.deepEqual(await host.probe('client', '10.11.7.4', 2222), connected('192.168.2.79:22 sees 10.11.7.100'));
      },
      natBackend,
      distributed,
    );
  });
}
