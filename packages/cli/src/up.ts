import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '@portward/model/config.ts';
import { Part, selfCommand, startRole } from './child-process.ts';
import { DEMO_NEEDS_USERS, readConfig, UsageError } from './configuration.ts';
import type { Sandbox } from './sandbox.ts';
import { untilStopped } from './stopping.ts';

/** Flags of `portward up`. */
export interface UpFlags {
  demo?: boolean;
  once?: boolean;
  dataDir?: string;
  config?: string;
  listen?: string;
  host?: string;
  bridgeMapping: string[];
  natBackend?: 'nftables' | 'iptables';
}

/** A controller and an agent that run. */
export interface System {
  readonly url: string;
  readonly dataDir: string;
  readonly natBackend: 'nftables' | 'iptables';
  /** Where the demo's agent, bridges and VMs live. */
  readonly sandbox: Sandbox | undefined;
  stop(): Promise<void>;
}

/** The physical network and bridge of the demo. */
export const DEMO_BRIDGE = 'br-ex';

/** Runs `portward up`; resolves with the exit code. */
export async function runUp(flags: UpFlags): Promise<number> {
  if (flags.once && !flags.demo) throw new UsageError('--once goes with --demo.');
  const config = readConfig(flags.config);
  if (flags.demo && config.identity !== 'embedded') throw new UsageError(DEMO_NEEDS_USERS);
  if (!flags.demo) {
    if (process.getuid?.() !== 0)
      throw new UsageError('portward up needs root for the agent; portward up --demo works in a sandbox.');
    const system = await startSystem(config, flags, undefined);
    process.stdout.write(
      `portward is up: ${system.url} (${config.identity === 'embedded' ? 'clouds.yaml and logs' : 'logs'} in ${system.dataDir}). Ctrl-C stops it; the data plane stays.\n`,
    );
    await untilStopped();
    await system.stop();
    return 0;
  }
  const { runDemo } = await import('./demo/demo.ts');
  return runDemo(config, flags);
}

/** Starts controller and agent as processes of their own; the agent in the sandbox when there is one. */
export async function startSystem(config: Config, flags: UpFlags, sandbox: Sandbox | undefined): Promise<System> {
  const temporary = flags.demo && flags.dataDir === undefined;
  const dataDir = temporary ? mkdtempSync(join(tmpdir(), 'portward-demo-')) : (flags.dataDir ?? config.data_dir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const natBackend = flags.natBackend ?? config.agent.nat_backend;
  const configFile = flags.config === undefined ? [] : ['--config', flags.config];
  const warn = (name: string) => (reason: string) =>
    process.stderr.write(
      `portward: the ${name} ended (${reason}) and is started again; see ${join(dataDir, `${name}.log`)}\n`,
    );

  const controller = new Part({
    name: 'controller',
    logPath: join(dataDir, 'controller.log'),
    onRestart: warn('controller'),
    start: (log) =>
      startRole(
        [
          'controller',
          ...configFile,
          '--data-dir',
          dataDir,
          '--listen',
          flags.listen ?? config.listen,
          ...(flags.demo ? ['--demo'] : []),
        ],
        log,
      ),
  });
  const mappings = flags.demo
    ? [`public:${DEMO_BRIDGE}`]
    : flags.bridgeMapping.length > 0
      ? flags.bridgeMapping
      : config.agent.bridge_mappings;
  const agentArgs = [
    'agent',
    ...configFile,
    '--controller',
    `unix:${config.socket ?? join(dataDir, 'controller.sock')}`,
    '--credentials',
    join(dataDir, 'agent.yaml'),
    '--host',
    flags.host ?? config.agent.host ?? hostname(),
    ...mappings.flatMap((mapping) => ['--bridge-mapping', mapping]),
    '--nat-backend',
    natBackend,
    ...(flags.demo ? ['--machines'] : []),
  ];
  const agent = new Part({
    name: 'agent',
    logPath: join(dataDir, 'agent.log'),
    onRestart: warn('agent'),
    start: (log) => startAgentRole(agentArgs, log, sandbox),
  });
  const stop = async (): Promise<void> => {
    await agent.stop();
    await controller.stop();
    if (temporary) rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const message = (await controller.start()) as { ready: string };
    await agent.start();
    return { url: message.ready, dataDir, natBackend, sandbox, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startAgentRole(args: string[], log: number, sandbox: Sandbox | undefined) {
  if (sandbox === undefined) return startRole(args, log);
  const [command = '', ...rest] = selfCommand(...args);
  return sandbox.spawn([command, ...rest], { stdio: ['ignore', log, log] });
}
