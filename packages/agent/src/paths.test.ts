import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/test-host.ts';
import { article, connected, gatewayNamespace } from './testing/article.ts';
import { floatingIp, forwarding, gone, N, uuid } from './testing/cloud.ts';

for (const natBackend of ['nftables', 'iptables'] as const) {
  for (const distributed of [true, false]) {
    test(`paths of packets: ${natBackend}, ${distributed ? 'distributed' : 'centralised'} router`, {
      concurrency: true,
    }, async (t) => {
      await article(
        async ({ host, agent }) => {
          const [first, second, ssh, hairpin, own, out] = await Promise.all([
            host.probe('client', '10.11.7.4', 2222),
            host.probe('client', '10.11.7.4', 2023),
            host.probe('client', '10.11.7.4', 22),
            host.probe('vm1', '10.11.7.4', 2023),
            host.probe('vm1', '10.11.7.4', 2222),
            host.probe('vm1', '10.11.7.100', 80),
          ]);
          assert.deepEqual(first, connected('192.168.2.79:22 sees 10.11.7.100'), 'the VM sees the client');
          assert.deepEqual(second, connected('192.168.2.80:22 sees 10.11.7.100'));
          assert.equal(ssh.outcome, 'refused', 'what is not forwarded is refused');
          assert.deepEqual(hairpin, connected('192.168.2.80:22 sees 10.11.7.3'), 'a neighbour through the floating IP');
          assert.deepEqual(own, connected('192.168.2.79:22 sees 10.11.7.3'), 'itself through the floating IP');
          assert.deepEqual(
            out,
            connected('10.11.7.100:80 sees 10.11.7.3'),
            'what leaves has the address of the router',
          );

          await t.test('removal cuts, retargeting moves, the rest stays', async () => {
            const doomed = host.connect('client', '10.11.7.4', 2222);
            const kept = host.connect('client', '10.11.7.4', 2023);
            await Promise.all([doomed.read(), kept.read()]);
            await agent.feed(gone('port_forwarding', N.forwarding1));
            assert.equal((await host.probe('client', '10.11.7.4', 2222)).outcome, 'refused');
            await eventually(
              async () =>
                !(await host.run(['conntrack', '-L'], { namespace: gatewayNamespace(distributed) })).includes(
                  'dport=2222',
                ),
            );
            doomed.write('still there?');
            await assert.rejects(doomed.read(1500));
            kept.write('still there?');
            assert.equal(await kept.read(), '192.168.2.80:22 sees 10.11.7.100 still there?');

            await agent.feed(
              forwarding(N.forwarding2, N.floatingIp, 2023, N.vm1, { address: '192.168.2.79', port: 22 }),
            );
            assert.deepEqual(
              await host.probe('client', '10.11.7.4', 2023),
              connected('192.168.2.79:22 sees 10.11.7.100'),
            );
            doomed.close();
            kept.close();
          });

          await t.test('the last forwarding takes the address along', async () => {
            await agent.feed(gone('port_forwarding', N.forwarding2));
            assert.notEqual((await host.probe('client', '10.11.7.4', 2023, { timeoutMs: 300 })).outcome, 'connected');
            const addresses = await host.run(['ip', '-4', '-o', 'addr'], { namespace: gatewayNamespace(distributed) });
            assert.doesNotMatch(addresses, /10\.11\.7\.4\/32/);
            assert.equal(agent.status('floatingip', uuid(N.floatingIp))?.status, 'DOWN');
          });

          await t.test('a floating IP that belongs to one VM', async () => {
            await agent.feed(
              floatingIp(N.floatingIp, N.external, '10.11.7.4', N.router, { port: N.vm2, address: '192.168.2.80' }),
            );
            assert.deepEqual(
              await host.probe('client', '10.11.7.4', 22),
              connected('192.168.2.80:22 sees 10.11.7.100'),
            );
            assert.deepEqual(await host.probe('vm2', '10.11.7.100', 80), connected('10.11.7.100:80 sees 10.11.7.4'));
            assert.equal(
              (await host.probe(gatewayNamespace(distributed), '10.11.7.4', 22)).outcome,
              'connected',
              'the router itself reaches it too',
            );
            assert.equal(agent.status('floatingip', uuid(N.floatingIp))?.status, 'ACTIVE');
            const open = host.connect('client', '10.11.7.4', 22);
            await open.read();
            await agent.feed(floatingIp(N.floatingIp, N.external, '10.11.7.4', null));
            assert.notEqual((await host.probe('client', '10.11.7.4', 22, { timeoutMs: 300 })).outcome, 'connected');
            open.write('still there?');
            await assert.rejects(open.read(1000));
            assert.equal(agent.status('floatingip', uuid(N.floatingIp))?.status, 'DOWN');
            open.close();
          });
        },
        natBackend,
        distributed,
      );
    });
  }
}

for (const natBackend of ['nftables', 'iptables'] as const) {
  test(`ports that are not forwarded are met with silence where that is wanted: ${natBackend}`, async () => {
    await article(
      async ({ host, agent }) => {
        const [forwarded, beside, udp] = await Promise.all([
          host.probe('client', '10.11.7.4', 2222),
          host.probe('client', '10.11.7.4', 22, { timeoutMs: 500 }),
          host.probe('client', '10.11.7.4', 53, { protocol: 'udp', timeoutMs: 500 }),
        ]);
        assert.deepEqual(forwarded, connected('192.168.2.79:22 sees 10.11.7.100'));
        assert.equal(beside.outcome, 'timeout');
        assert.equal(udp.outcome, 'timeout');
        const doomed = host.connect('client', '10.11.7.4', 2222);
        await doomed.read();
        await agent.feed(gone('port_forwarding', N.forwarding1));
        doomed.write('still there?');
        await assert.rejects(doomed.read(500), /silent/);
        doomed.close();
      },
      natBackend,
      true,
      'drop',
    );
  });
}
