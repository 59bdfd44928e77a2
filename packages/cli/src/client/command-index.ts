import type { Command } from './command.ts';

interface CommandFile {
  readonly commands: readonly Command[];
}

/**
 * Which file describes which commands, by their first words. A file is read only when its words are used, so that
 * one command starts as quickly as there were no others.
 */
const FILES: Readonly<Record<string, () => Promise<CommandFile>>> = {
  'address group': () => import('./commands/address-group.ts'),
  'address scope': () => import('./commands/address-scope.ts'),
  'application credential': () => import('./commands/application-credential.ts'),
  'availability zone': () => import('./commands/availability-zone.ts'),
  catalog: () => import('./commands/token.ts'),
  'compute service': () => import('./commands/compute-host.ts'),
  'console log': () => import('./commands/server-action.ts'),
  domain: () => import('./commands/domain.ts'),
  endpoint: () => import('./commands/service.ts'),
  extension: () => import('./commands/extension.ts'),
  flavor: () => import('./commands/image.ts'),
  'floating ip': () => import('./commands/floating-ip.ts'),
  'floating ip port forwarding': () => import('./commands/port-forwarding.ts'),
  hypervisor: () => import('./commands/compute-host.ts'),
  image: () => import('./commands/image.ts'),
  'implied role': () => import('./commands/role.ts'),
  'ip availability': () => import('./commands/ip-availability.ts'),
  keypair: () => import('./commands/keypair.ts'),
  limits: () => import('./commands/compute-host.ts'),
  network: () => import('./commands/network.ts'),
  'network agent': () => import('./commands/network-agent.ts'),
  'network rbac': () => import('./commands/network-rbac.ts'),
  'network service provider': () => import('./commands/ip-availability.ts'),
  port: () => import('./commands/port.ts'),
  project: () => import('./commands/project.ts'),
  quota: () => import('./commands/quota.ts'),
  role: () => import('./commands/role.ts'),
  router: () => import('./commands/router.ts'),
  'security group': () => import('./commands/security-group.ts'),
  'security group rule': () => import('./commands/security-group-rule.ts'),
  server: () => import('./commands/server.ts'),
  'server add': () => import('./commands/server-attachment.ts'),
  'server lock': () => import('./commands/server-action.ts'),
  'server reboot': () => import('./commands/server-action.ts'),
  'server remove': () => import('./commands/server-attachment.ts'),
  'server set': () => import('./commands/server-action.ts'),
  'server start': () => import('./commands/server-action.ts'),
  'server stop': () => import('./commands/server-action.ts'),
  'server unlock': () => import('./commands/server-action.ts'),
  'server unset': () => import('./commands/server-action.ts'),
  service: () => import('./commands/service.ts'),
  subnet: () => import('./commands/subnet.ts'),
  'subnet pool': () => import('./commands/subnet-pool.ts'),
  token: () => import('./commands/token.ts'),
  user: () => import('./commands/user.ts'),
};

/** The command that words begin with, and how many of the words are its name. */
export interface Match {
  readonly command: Command;
  readonly length: number;
}

/** Finds the longest command that the words begin with. */
export async function matchCommand(words: readonly string[]): Promise<Match | undefined> {
  for (let length = words.length; length > 0; length -= 1) {
    const load = FILES[words.slice(0, length).join(' ')];
    if (load === undefined) continue;
    const { commands } = await load();
    const found = longest(commands, words);
    if (found !== undefined) return { command: found, length: found.words.split(' ').length };
  }
  return undefined;
}

function longest(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const fitting = commands.filter(({ words: name }) => `${words.join(' ')} `.startsWith(`${name} `));
  return fitting.toSorted((a, b) => b.words.length - a.words.length)[0];
}

/** All commands that begin with some words (all there are, for none), in alphabetical order. */
export async function commandsUnder(words: readonly string[]): Promise<Command[]> {
  const start = words.join(' ');
  const keys = Object.keys(FILES).filter(
    (key) => start === '' || `${key} `.startsWith(`${start} `) || start.startsWith(key),
  );
  const files = await Promise.all(keys.map((key) => FILES[key]?.()));
  const all = new Set(files.flatMap((file) => file?.commands ?? []));
  return [...all]
    .filter((command) => start === '' || `${command.words} `.startsWith(`${start} `))
    .toSorted((a, b) => (a.words < b.words ? -1 : 1));
}
