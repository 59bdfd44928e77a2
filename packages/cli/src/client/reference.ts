import type { Command, Option } from './command.ts';
import { outputKind } from './command.ts';
import { commandsUnder } from './command-index.ts';
import { AT_A_TERMINAL, DIFFERENCES, NOT_THERE } from './differences.ts';
import { optionsOf } from './extra-properties.ts';
import { outputOptions, usageOf } from './help.ts';

/** Options of every command, which stand before or after it. */
const GLOBAL: readonly (readonly [string, string])[] = [
  ['--os-cloud <name>', 'The cloud of clouds.yaml to sign in to'],
  ['--os-auth-url <url>', 'Where the Identity service is'],
  ['--os-auth-type <type>', 'password (default), token or v3applicationcredential'],
  ['--os-username <name>, --os-user-id <id>, --os-password <password>', 'Who signs in'],
  ['--os-user-domain-name <name>, --os-user-domain-id <id>', 'Domain of the user (default: default)'],
  ['--os-project-name <name>, --os-project-id <id>', 'The project to work in'],
  ['--os-project-domain-name <name>, --os-project-domain-id <id>', 'Domain of the project (default: default)'],
  ['--os-domain-name <name>, --os-domain-id <id>, --os-system-scope all', 'Scopes other than a project'],
  ['--os-token <token>', 'Sign in with a token'],
  ['--os-application-credential-id <id>, --os-application-credential-secret <secret>', 'Sign in as a program'],
  ['--os-region-name <name>, --os-interface <interface>', 'Which endpoints of the catalog are used'],
  ['--os-compute-api-version <version>', 'Microversion of the compute API'],
  ['--os-cacert <file>, --insecure', 'Whom TLS trusts'],
  ['--debug', 'Print each request and its status on stderr; never tokens, passwords or bodies'],
];

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'refused by the API, or not there'],
  ['2', 'wrong usage'],
  ['3', 'cannot reach the cloud or sign in'],
];

const SIGN_IN =
  'Each option --os-NAME can be given as a variable OS_NAME instead, and in clouds.yaml, which is looked for in the' +
  ' working directory, in ~/.config/openstack and in /etc/openstack (OS_CLIENT_CONFIG_FILE names another), with' +
  ' secure.yaml beside it. Options go before variables, variables before the file. Names are accepted wherever IDs' +
  ' are.';

const WAYS = ['list', 'show'] as const;
const TITLES = { list: 'Output of commands that list', show: 'Output of commands that show or create' } as const;

/** The commands in groups: all that begin with the same words before the verb. */
async function groups(): Promise<Map<string, Command[]>> {
  const found = new Map<string, Command[]>();
  for (const command of await commandsUnder([])) {
    const group = groupOf(command.words);
    found.set(group, [...(found.get(group) ?? []), command]);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const VERBS =
  / (add|console|contains|create|delete|issue|list|lock|password|reboot|remove|revoke|set|show|start|stop|unlock|unset)( .*)?$/;

function groupOf(words: string): string {
  return words.replace(VERBS, '');
}

/** docs/cli.md: every command with its usage, options and an example. */
export async function cliDocument(): Promise<string> {
  const lines = [
    '# The `portward` command',
    '',
    '<!-- Written by `npm run docs` from packages/cli/src/client/commands/. -->',
    '',
    'The words, options, columns and messages are those of openstackclient 6.0, so that fingers and scripts move over',
    'by replacing the program’s name. It works against any OpenStack. `portward COMMAND --help` prints what stands here.',
    '',
    '## Signing in',
    '',
    SIGN_IN,
    '',
    ...rows(
      ['option', 'meaning'],
      GLOBAL.map(([option, help]) => [codes(option), help]),
    ),
    '',
    '## Output',
    '',
    AT_A_TERMINAL,
    '',
  ];
  for (const way of WAYS) {
    lines.push(`${TITLES[way]}:`, '', ...optionTable(outputOptions(way)), '');
  }
  lines.push('## Exit codes', '', ...rows(['code', 'meaning'], EXIT_CODES), '');
  lines.push('## Where it departs from `openstack` 6.0', '');
  lines.push(...[...DIFFERENCES.map(({ what }) => what), NOT_THERE].map((what) => `- ${what}`), '', '## Commands', '');
  for (const [group, commands] of await groups()) {
    lines.push(`### ${group}`, '');
    for (const command of commands) lines.push(...commandSection(command));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function commandSection(command: Command): string[] {
  const options = optionsOf(command);
  const args = (command.arguments ?? []).map(({ name, help }): [string, string] => [`\`<${name}>\``, help]);
  const all = [...args, ...options.map((option): [string, string] => [`\`${spelled(option)}\``, helpOf(option)])];
  return [
    `#### ${command.words}`,
    '',
    `${command.help}.`,
    '',
    '```',
    usageOf(command).replace(/^usage: /, ''),
    '```',
    '',
    ...(all.length === 0 ? [] : [...rows(['', ''], all), '']),
    `Example: \`portward ${command.example}\``,
    '',
  ];
}

function spelled({ flag, short, metavar }: Option): string {
  const flags = short === undefined ? flag : `${short}, ${flag}`;
  return metavar === undefined ? flags : `${flags} ${metavar}`;
}

function helpOf({ help, required }: Option): string {
  return required === true ? `${help} (required)` : help;
}

function codes(options: string): string {
  return options
    .split(', ')
    .map((option) => `\`${option}\``)
    .join(', ');
}

function optionTable(options: readonly Option[]): string[] {
  return rows(
    ['option', 'meaning'],
    options.map((option) => [`\`${spelled(option)}\``, helpOf(option)]),
  );
}

function rows(head: readonly [string, string], cells: readonly (readonly [string, string])[]): string[] {
  const escaped = cells.map(([left, right]) => `| ${left.replaceAll('|', '\\|')} | ${right.replaceAll('|', '\\|')} |`);
  return [`| ${head[0]} | ${head[1]} |`, '|---|---|', ...escaped];
}

/** The man page portward(1), from the same descriptions. */
export async function manPage(): Promise<string> {
  const lines = [
    '.\\" Written by "npm run docs" from the descriptions of the commands.',
    '.TH PORTWARD 1 "" "Portward" "User Commands"',
    '.SH NAME',
    'portward \\- networks, floating IPs and port forwarding of an OpenStack cloud',
    '.SH SYNOPSIS',
    '.B portward',
    '[\\fIoption\\fR ...] \\fIcommand\\fR [\\fIargument\\fR ...]',
    '.br',
    '.B portward',
    '\\fBup\\fR|\\fBcontroller\\fR|\\fBagent\\fR [\\fIoption\\fR ...]',
    '.SH DESCRIPTION',
    troff(
      'The commands have the words, options, columns and messages of openstackclient 6.0 and work against any' +
        ' OpenStack. portward COMMAND --help tells more of each; portward up, controller and agent run Portward itself,' +
        ' and tell their options by --help too.',
    ),
    '.SH SIGNING IN',
    troff(SIGN_IN),
    ...GLOBAL.flatMap(([option, help]) => tagged(option, help)),
    '.SH OUTPUT',
    troff(AT_A_TERMINAL.replaceAll('`', '')),
  ];
  for (const way of WAYS) {
    lines.push(
      `.SS ${TITLES[way]}`,
      ...outputOptions(way).flatMap((option) => tagged(spelled(option), helpOf(option))),
    );
  }
  lines.push('.SH COMMANDS');
  for (const command of await commandsUnder([])) lines.push(...manCommand(command));
  lines.push('.SH EXIT STATUS', ...EXIT_CODES.flatMap(([code, meaning]) => tagged(code, meaning)));
  lines.push('.SH DIFFERENCES FROM OPENSTACK 6.0');
  for (const what of [...DIFFERENCES.map((one) => one.what), NOT_THERE]) {
    lines.push('.IP \\(bu 2', troff(what.replaceAll('`', '')));
  }
  return `${lines.join('\n')}\n`;
}

function manCommand(command: Command): string[] {
  const args = (command.arguments ?? []).flatMap(({ name, help }) => tagged(`<${name}>`, help));
  const options = optionsOf(command).flatMap((option) => tagged(spelled(option), helpOf(option)));
  const output = outputKind(command) === 'none' ? [] : ['.PP', troff('Options of the output: see OUTPUT.')];
  return [
    `.SS portward ${troff(command.words)}`,
    troff(`${command.help}.`),
    ...args,
    ...options,
    ...output,
    '.PP',
    `Example: \\fB${troff(`portward ${command.example}`)}\\fR`,
  ];
}

function tagged(term: string, text: string): string[] {
  return ['.TP', `\\fB${troff(term)}\\fR`, troff(text)];
}

/** Text as troff takes it: backslashes and hyphens as they are, no line that begins as a request. */
function troff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^([.'])/, '\\&$1');
}
