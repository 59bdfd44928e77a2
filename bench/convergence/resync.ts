import type { ConvergenceCloud } from './cloud.ts';
import { startProber } from './processes.ts';
import type { Resync } from './report.ts';
import type { Passed } from './traffic.ts';

/** Kills the agent and starts it again, while traffic goes through a forwarding of the same router. */
export async function measureResync(cloud: ConvergenceCloud, kernel: Resync['kernel']): Promise<Resync> {
  const prober = await startProber(cloud);
  await prober.ask({ ask: 'watch', address: cloud.crowded.address, port: cloud.crowdedPort });
  await cloud.killAgent();
  if (kernel === 'with an empty map') {
    // Behind the agent's back; new connections fail until it is back, open ones need no rules.
    await cloud.host.run(['nft', 'flush', 'map', 'ip', 'portward', 'forwardings'], { namespace: cloud.namespace });
  }
  const milliseconds = await cloud.startAgent();
  const { user, system } = cloud.agentCpu();
  const passed = await prober.ask<Passed>({ ask: 'unwatch' });
  prober.child.kill('SIGKILL');
  return { kernel, present: cloud.forwardings, milliseconds, user, system, passed };
}
