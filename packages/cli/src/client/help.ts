import type { Command, Option } from './command.ts';
import { outputKind } from './command.ts';
import { optionsOf } from './extra-properties.ts';
import { LIST_FORMATS, QUOTE_MODES, SHOW_FORMATS } from './format.ts';

/** Options of the output that a command with this kind of output takes. */
export function outputOptions(kind: 'list' | 'show' | 'none'): readonly Option[] {
  if (kind === 'none') return [];
  const formats: readonly string[] = kind === 'list' ? LIST_FORMATS : SHOW_FORMATS;
  const shared: Option[] = [
    {
      flag: '--format',
      short: '-f',
      metavar: '<format>',
      help: `${formats.join(', ')} (default: table)`,
      choices: formats,
    },
    { flag: '--column', short: '-c', metavar: '<column>', repeat: true, help: 'Only this column (may be repeated)' },
    { flag: '--noindent', help: 'json: on one line' },
    { flag: '--max-width', metavar: '<columns>', integer: true, help: 'table: no wider than this' },
    { flag: '--fit-width', help: 'table: no wider than the terminal' },
    { flag: '--print-empty', help: 'table: print the head of an empty table' },
  ];
  if (kind === 'show') {
    return [...shared, { flag: '--prefix', metavar: '<prefix>', help: 'shell: put this before variable names' }];
  }
  return [
    ...shared,
    { flag: '--quote', metavar: '<when>', help: `csv: ${QUOTE_MODES.join(', ')}`, choices: QUOTE_MODES },
    { flag: '--sort-column', metavar: '<column>', repeat: true, help: 'Sort by this column (may be repeated)' },
    { flag: '--sort-ascending', help: 'Smallest first (default)', group: 'sort' },
    { flag: '--sort-descending', help: 'Largest first', group: 'sort' },
  ];
}

/** Short usage of a command: one line, or more where they get long. */
export function usageOf(command: Command): string {
  const output = outputKind(command);
  const parts = [
    '[-h]',
    ...(output === 'none' ? [] : ['[-f <format>]', '[-c <column>]']),
    ...optionsOf(command).map(usageOfOption),
    ...(command.arguments ?? []).map(({ name, many, optional }) => {
      const one = optional === true ? `[<${name}>]` : `<${name}>`;
      return many === true ? `${one} [<${name}> ...]` : one;
    }),
  ];
  const lines = [`usage: portward ${command.words}`];
  for (const part of parts) {
    const last = lines.at(-1) ?? '';
    if (last.length + part.length + 1 > 100) lines.push(`    ${part}`);
    else lines[lines.length - 1] = `${last} ${part}`;
  }
  return lines.join('\n');
}

function usageOfOption(option: Option): string {
  const text = option.metavar === undefined ? option.flag : `${option.flag} ${option.metavar}`;
  return option.required === true ? text : `[${text}]`;
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const sections = [usageOf(command), '', command.help, ''];
  const args = command.arguments ?? [];
  if (args.length > 0) sections.push('arguments:', ...table(args.map(({ name, help }) => [`<${name}>`, help])), '');
  const options = optionsOf(command);
  if (options.length > 0) sections.push('options:', ...table(options.map(optionRow)), '');
  const output = outputOptions(outputKind(command));
  if (output.length > 0) sections.push('output:', ...table(output.map(optionRow)), '');
  sections.push('example:', `  portward ${command.example}`, '');
  return sections.join('\n');
}

function optionRow(option: Option): [string, string] {
  const flags = option.short === undefined ? option.flag : `${option.short}, ${option.flag}`;
  const left = option.metavar === undefined ? flags : `${flags} ${option.metavar}`;
  return [left, option.required === true ? `${option.help} (required)` : option.help];
}

/** The help of a group of commands: `portward floating --help`, `portward help`. */
export function groupHelp(words: readonly string[], commands: readonly Command[]): string {
  const name = ['portward', ...words].join(' ');
  const example = commands[0]?.example ?? '';
  return [
    `usage: ${name} … [-h]`,
    '',
    'commands:',
    ...table(commands.map(({ words: command, help }) => [command, help])),
    '',
    'example:',
    `  portward ${example}`,
    '',
    'Sign-in: --os-cloud <name>, --os-auth-url <url>, --os-username <name>, --os-project-name <name>, …',
    'or the same as OS_… variables, or clouds.yaml.',
    '',
  ].join('\n');
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(44, Math.max(...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) => {
    if (left.length > width) return `  ${left}\n${' '.repeat(width + 4)}${right}`;
    return `  ${left.padEnd(width)}  ${right}`;
  });
}
