import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/test-host.ts';
import { article, connected, gatewayNamespace } from './testing/article.ts';
import { forwarding, N, uuid } from './testing/cloud.ts';

test('a router whose namespace cannot be read is in error with the reason, as are its forwardings, until it can', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    const status = (kind: 'router' | 'floatingip' | 'port_forwarding', number: number) =>
      agent.status(kind, uuid(number));
    const standAs = (wanted: string) =>
      eventually(
        () =>
          status('router', N.router)?.status === wanted && status('port_forwarding', N.forwarding1)?.status === wanted,
        { what: wanted, timeoutMs: 15_000 },
      );
    // Debian's nft of today cannot list a table that has an owner: such a one is there while its maker lives.
    const namespace = gatewayNamespace(true);
    const owner = host.spawn(['nft', '-i'], { namespace, stdio: ['pipe', 'ignore', 'inherit'] });
    owner.stdin?.write('add table ip theirs { flags owner; }\n');
    await standAs('ERROR');
    const reason = status('router', N.router)?.reason ?? '';
    assert.match(reason, new RegExp(`^${namespace} cannot be read: `));
    assert.equal(status('port_forwarding', N.forwarding1)?.reason, reason);
    assert.equal(status('floatingip', N.floatingIp)?.status, 'ERROR');
    // What is asked for is carried out all the same.
    agent.send({ ...forwarding(1, N.floatingIp, 3000, N.vm1, { address: '192.168.2.79', port: 22 }), seq: 0 });
    const probe = await eventually(async () => {
      const found = await host.probe('client', '10.11.7.4', 3000);
      return found.outcome === 'connected' && found;
    });
    assert.deepEqual(probe, connected('192.168.2.79:22 sees 10.11.7.100'));
    owner.stdin?.end();
    await standAs('ACTIVE');
    agent.log.length = 0;
  });
});
