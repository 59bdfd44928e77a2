import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/test-host.ts';
import { article, connected, gatewayNamespace } from './testing/article.ts';

/** Somebody, or an agent of another version, left sets that are declared otherwise. */
const OTHER_MAP = `
flush table ip portward
delete map ip portward forwardings
add map ip portward forwardings { type ipv4_addr . inet_service : ipv4_addr . inet_service; }
add element ip portward forwardings { 10.11.7.4 . 2222 : 192.168.2.99 . 22 }
delete map ip portward floating-sources
add set ip portward floating-sources { type inet_service; }
add element ip portward floating-sources { 22 }
add set ip portward theirs { type ether_addr; }
add element ip portward theirs { 02:00:00:00:00:01 }
`;

const OTHER_FLAGS = `
flush table inet portward
delete set inet portward host-bridges
add set inet portward host-bridges { type ifname; flags interval; }
`;

test('sets that are declared otherwise are made anew, and nothing else is lost by it', {
  timeout: 60_000,
}, async () => {
  await article(async ({ host, agent }) => {
    for (const [damage, namespace] of [
      [OTHER_MAP, gatewayNamespace(true)],
      [OTHER_FLAGS, undefined],
    ] as const) {
      const before = agent.reports.at(-1)?.configurations.drift_by_kind?.['nft-set'] ?? 0;
      await host.run(['nft', '-f', '-'], { input: damage, ...(namespace !== undefined && { namespace }) });
      await eventually(() => (agent.reports.at(-1)?.configurations.drift_by_kind?.['nft-set'] ?? 0) > before, {
        what: 'the sets found and counted',
        timeoutMs: 8000,
      });
      await agent.check();
      const probe = await host.probe('client', '10.11.7.4', 2222);
      assert.deepEqual(probe, connected('192.168.2.79:22 sees 10.11.7.100'));
    }
    agent.log.length = 0;
  });
});
