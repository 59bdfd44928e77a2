import type { ConvergenceCloud } from './cloud.ts';
import { startProber } from './processes.ts';
import type { Resync } from './report.ts';
import type { Passed } from './traffic.ts';

/** Several restarts as one: times of the one in the middle, and all that was lost in any of them. */
export function middleOf(resyncs: readonly Resync[]): Resync {
  const middle = resyncs.toSorted((a, b) => a.system - b.system)[Math.floor(resyncs.length / 2)] as Resync;
  const sum = (of: (passed: Passed) => number): number => resyncs.reduce((total, { passed }) => total + of(passed), 0);
  return {
    ...middle,
    passed: {
      datagrams: sum(({ datagrams }) => datagrams),
      datagramsBack: sum(({ datagramsBack }) => datagramsBack),
      longestGapMs: Math.max(...resyncs.map(({ passed }) => passed.longestGapMs)),
      connectionHeld: resyncs.every(({ passed }) => passed.connectionHeld),
      connections: sum(({ connections }) => connections),
      connected: sum(({ connected }) => connected),
    },
  };
}

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
