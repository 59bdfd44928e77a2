import { Command, CommanderError, Option } from 'commander';
import { readConfig, UsageError } from './configuration.ts';

/** Exit codes of the roles: what failed, or was used wrongly. */
const FAILED = 1;
const USAGE = 2;

const collect = (value: string, before: string[]): string[] => [...before, value];

/** Runs `portward up|controller|agent`; resolves with the exit code when it has ended. */
export async function runRole(argv: string[]): Promise<number> {
  let code = 0;
  const program = new Command('portward').exitOverride().showSuggestionAfterError();
  const natBackend = () =>
    new Option('--nat-backend <name>', 'which part of netfilter translates addresses').choices([
      'nftables',
      'iptables',
    ]);

  program
    .command('controller')
    .summary('the API: rules, store and feed')
    .description(
      'Runs the controller: the API on TCP and on a Unix socket, its store and the feed that agents follow. Needs no privileges.',
    )
    .option('--data-dir <dir>', 'where the store and the credentials are kept')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--listen <host:port>', 'where the API listens')
    .option('--socket <path>', 'Unix socket of the API')
    .option(
      '--user <name|uid>',
      'started by root: whom to become (default: portward where that user exists, else uid 65530)',
    )
    .option('--demo', 'on the first start also make project and user demo')
    .action(async (flags) => {
      const { runController } = await import('./controller-role.ts');
      code = await runController(readConfig(flags.config), flags);
    });

  program
    .command('agent')
    .summary('the data plane of this host')
    .description(
      'Runs the agent: follows the controller and keeps this host’s namespaces, addresses and rules as they should be. Needs root.',
    )
    .option('--config <file>', 'configuration file (YAML)')
    .option('--controller <address>', 'controller to follow: a URL, or unix:PATH')
    .option('--credentials <file>', 'agent.yaml from the controller’s data directory')
    .option('--host <name>', 'name of this host')
    .option('--bridge-mapping <net:bridge>', 'bridge of this host for a physical network; repeatable', collect, [])
    .addOption(natBackend())
    .option('--state-dir <dir>', 'where files of DHCP and machines are kept while they run')
    .option('--machines', 'let namespaces play the VMs of this host (demo, tests)')
    .option('--cleanup', 'remove everything of Portward’s from this host, and end')
    .action(async (flags) => {
      const { runAgent } = await import('./agent-role.ts');
      code = await runAgent(readConfig(flags.config).agent, flags);
    });

  program
    .command('doctor')
    .summary('what of this host is not as the agent needs it, and how to mend it')
    .description(
      'Examines this host for an agent with the same options, and changes nothing: kernel, tools, privileges, bridges, connection tracking, the controller, clocks, the agent itself. Exit code 1 when something is wrong.',
    )
    .option('--config <file>', 'configuration file (YAML)')
    .option('--controller <address>', 'controller that the agent follows: a URL, or unix:PATH')
    .option('--credentials <file>', 'agent.yaml from the controller’s data directory')
    .option('--host <name>', 'name of this host')
    .option('--bridge-mapping <net:bridge>', 'bridge of this host for a physical network; repeatable', collect, [])
    .addOption(natBackend())
    .option('--state-dir <dir>', 'where the agent keeps its files')
    .option('--json', 'for programs')
    .action(async (flags) => {
      const { runDoctor } = await import('./doctor-role.ts');
      code = await runDoctor(readConfig(flags.config).agent, flags);
    });

  program
    .command('up')
    .summary('controller and agent in one')
    .description(
      'Runs controller and agent on this machine. With --demo: in a sandbox, with the article’s cloud built and shown step by step.',
    )
    .option('--demo', 'build and show the article’s cloud in a sandbox; Ctrl-C cleans all up')
    .option('--once', 'with --demo: end after the scenario; exit code 0 only if every step held')
    .option('--data-dir <dir>', 'where the store and the credentials are kept (demo: a temporary folder)')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--listen <host:port>', 'where the API listens')
    .option('--host <name>', 'name of this host')
    .option('--bridge-mapping <net:bridge>', 'bridge of this host for a physical network; repeatable', collect, [])
    .addOption(natBackend())
    .action(async (flags) => {
      const { runUp } = await import('./up.ts');
      code = await runUp(flags);
    });

  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`portward: ${message}\n`);
    return error instanceof UsageError ? USAGE : FAILED;
  }
}
