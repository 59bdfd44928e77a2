import { hostname } from 'node:os';
import type { AgentConfig } from '@portward/model/config.ts';
import type { Logger } from 'pino';
import { DataPlane } from './data-plane.ts';
import { Follower } from './feed/follower.ts';
import type { FeedSource } from './feed-source.ts';
import { hostServices } from './host-services.ts';
import { KernelEvents } from './kernel/events.ts';
import { checkHost } from './kernel/requirements.ts';

export { cleanUp } from './clean-up.ts';

export interface AgentOptions {
  /** The `agent` section of the configuration. */
  readonly config: AgentConfig;
  readonly log: Logger;
  /** Where objects come from; the controller of the configuration unless given. */
  readonly source?: FeedSource;
}

/** A running agent. */
export interface Agent {
  /** Stops following the controller. The data plane stays and goes on forwarding. */
  stop(): Promise<void>;
  /** What of the kernel is not as it should be, once all that is known is done: a line a difference. */
  differences(): Promise<string[]>;
}

/**
 * Checks that this host can do what is needed, then follows the controller and keeps the kernel as it says. It works
 * in the network namespace in which it is started. Throws an Error with one sentence for the first thing that is
 * missing, before anything is changed.
 */
export async function startAgent({ config, log, source }: AgentOptions): Promise<Agent> {
  const bridgeMappings = parseMappings(config.bridge_mappings);
  const host = config.host ?? hostname();
  await checkHost({ bridges: Object.values(bridgeMappings), natBackend: config.nat_backend, commands: ['dnsmasq'] });
  const plane = new DataPlane({
    host,
    bridgeMappings,
    natBackend: config.nat_backend,
    misses: config.misses,
    machines: config.machines,
    auditSeconds: config.audit_seconds,
    source: source ?? follower(config, host, log),
    services: hostServices(config),
    listen: (listener) => new KernelEvents(listener),
    log,
  });
  return { stop: () => plane.stop(), differences: () => plane.differences() };
}

function follower(config: AgentConfig, host: string, log: Logger): FeedSource {
  if (config.credentials === undefined) {
    throw new Error("The agent has no credentials; give it the file agent.yaml of the controller's data directory");
  }
  return new Follower({ controller: config.controller, credentials: config.credentials, host, log });
}

/** `public:br-ex` as a record. */
const parseMappings = (mappings: readonly string[]): Record<string, string> =>
  Object.fromEntries(mappings.map((mapping) => mapping.split(':') as [string, string]));
