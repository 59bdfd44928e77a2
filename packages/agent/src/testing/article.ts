import assert from 'node:assert/strict';
import type { Misses, NatBackend } from '@portward/model/feed.ts';
import { type TestHost, withHost } from '../../../../test/test-host.ts';
import { AgentHost } from './agent-host.ts';
import { articleCloud, N, sshRule, uuid } from './cloud.ts';

/** The article's cloud with its VMs, an SSH port on each, and a client outside. */
export async function article(
  use: (cloud: { host: TestHost; agent: AgentHost; distributed: boolean }) => Promise<void>,
  natBackend: NatBackend = 'nftables',
  distributed = true,
  misses: Misses = 'refuse',
): Promise<void> {
  await withHost(async (host) => {
    await host.addBridge('br-ex');
    await host.addClient('br-ex', 'client', '10.11.7.100/24', '10.11.7.1');
    const agent = new AgentHost(host, { natBackend, misses });
    await agent.addVm(N.vm1, 'vm1', '192.168.2.79/24', '192.168.2.1');
    await agent.addVm(N.vm2, 'vm2', '192.168.2.80/24', '192.168.2.1');
    await Promise.all([
      agent.start([...articleCloud(distributed), sshRule()]),
      host.serve('vm1', '192.168.2.79', [22, 23]),
      host.serve('vm2', '192.168.2.80', [22, 23]),
      host.serve('client', '10.11.7.100', [80]),
    ]);
    await use({ host, agent, distributed });
    assert.deepEqual(agent.complaints(), []);
  });
}

/** Outcome of a probe that was answered. */
export const connected = (data: string) => ({ outcome: 'connected', data: `${data}\n` });

/** Where the article's router translates. */
export const gatewayNamespace = (distributed: boolean): string =>
  `${distributed ? 'snat' : 'qrouter'}-${uuid(N.router)}`;
