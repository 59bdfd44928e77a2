import { hostname } from 'node:os';
import { cleanUp, startAgent } from '@portward/agent/agent.ts';
import type { AgentConfig } from '@portward/model/config.ts';
import { pino } from 'pino';
import { UsageError } from './configuration.ts';
import { untilStopped } from './stopping.ts';

/** Flags of `portward agent`; they override the configuration file. */
export interface AgentFlags {
  controller?: string;
  credentials?: string;
  host?: string;
  bridgeMapping: string[];
  natBackend?: 'nftables' | 'iptables';
  stateDir?: string;
  machines?: boolean;
  cleanup?: boolean;
}

/** Runs an agent until it is told to stop, which leaves the data plane as it is; resolves with the exit code. */
export async function runAgent(file: AgentConfig, flags: AgentFlags): Promise<number> {
  const log = pino(
    { name: 'agent', level: process.env.PORTWARD_LOG_LEVEL ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
  const config = agentConfig(file, flags);
  if (flags.cleanup) {
    await cleanUp({ config, log });
    return 0;
  }
  if (config.credentials === undefined) {
    throw new UsageError('The agent needs --credentials FILE: agent.yaml from the controller’s data directory.');
  }
  const agent = await startAgent({ config, log });
  process.send?.({ ready: true });
  const why = await untilStopped();
  log.info({ why }, 'stopping; the data plane stays as it is');
  await agent.stop();
  return 0;
}

/** The configuration of an agent that is started with these flags. Throws a UsageError on a wrong one. */
export function agentConfig(file: AgentConfig, flags: AgentFlags): AgentConfig & { host: string } {
  const wrong = flags.bridgeMapping.find((mapping) => !/^[^:]+:[^:]+$/.test(mapping));
  if (wrong !== undefined)
    throw new UsageError(`'${wrong}' is no bridge mapping: give physical network:bridge, for example public:br-ex.`);
  return {
    ...file,
    controller: flags.controller ?? file.controller,
    host: flags.host ?? file.host ?? hostname(),
    bridge_mappings: flags.bridgeMapping.length > 0 ? flags.bridgeMapping : file.bridge_mappings,
    nat_backend: flags.natBackend ?? file.nat_backend,
    state_dir: flags.stateDir ?? file.state_dir,
    machines: flags.machines ?? file.machines,
    ...(flags.credentials !== undefined && { credentials: flags.credentials }),
  };
}
