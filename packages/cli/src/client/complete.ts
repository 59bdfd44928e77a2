import { AUTH_NAMES } from './auth.ts';
import { type Argument, type Command, outputKind, type Resource } from './command.ts';
import { commandsUnder, matchCommand } from './command-index.ts';
import { optionsOf } from './extra-properties.ts';
import { outputOptions } from './help.ts';
import { looksLikeOption } from './parse.ts';

/** Names of a resource's objects in the cloud; those of one parent, named as it was typed, where it has one. */
export type NamesOf = (resource: Resource, parent?: { resource: Resource; name: string }) => Promise<readonly string[]>;

/**
 * What the last of the words can become: the next word of a command, an option, one of an option's choices, or the
 * name of an object in the cloud. In alphabetical order; empty where nothing is known.
 */
export async function completions(typed: readonly string[], namesOf: NamesOf): Promise<readonly string[]> {
  const partial = typed.at(-1) ?? '';
  const before = withoutGlobals(typed.slice(0, -1));
  const begun = (candidates: readonly string[]): readonly string[] =>
    [...new Set(candidates)].filter((candidate) => candidate.startsWith(partial)).sort();
  if (before === undefined) return [];
  if (partial.startsWith('--os-')) return begun(AUTH_NAMES.map((name) => `--os-${name}`));
  const words = before[0] === 'help' ? before.slice(1) : before;
  const next = (await commandsUnder(words)).map(({ words: name }) => name.split(' ')[words.length] ?? '');
  const first = before.length === 0 ? ['help'] : [];
  const match = await matchCommand(words);
  const further = begun([...first, ...next].filter((word) => word !== ''));
  if (match === undefined || before[0] === 'help') return further;
  const given = words.slice(match.length);
  return [...further, ...begun(await ofCommand(match.command, given, partial, namesOf))];
}

/** The words without global options; undefined while the value of one is being typed. */
function withoutGlobals(words: readonly string[]): readonly string[] | undefined {
  const left: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (!word.startsWith('--os-')) left.push(word);
    else if (!word.includes('=')) {
      i += 1;
      if (i >= words.length) return undefined;
    }
  }
  return left;
}

async function ofCommand(
  command: Command,
  given: readonly string[],
  partial: string,
  namesOf: NamesOf,
): Promise<readonly string[]> {
  const options = [...optionsOf(command), ...outputOptions(outputKind(command))];
  const plain: string[] = [];
  for (let i = 0; i < given.length; i += 1) {
    const word = given[i] ?? '';
    const option = options.find(({ flag, short }) => flag === word || short === word);
    if (option?.metavar !== undefined) {
      i += 1;
      if (i < given.length) continue;
      if (option.choices !== undefined) return option.choices;
      return option.find === undefined ? [] : await namesOf(option.find);
    }
    if (!looksLikeOption(word)) plain.push(word);
  }
  if (partial.startsWith('-')) return [...options.map(({ flag }) => flag), '--help'];
  const args = command.arguments ?? [];
  const argument = args[plain.length] ?? (args.at(-1)?.many === true ? args.at(-1) : undefined);
  return argument === undefined ? [] : await ofArgument(command, argument, plain, namesOf);
}

async function ofArgument(
  { action, arguments: args = [] }: Command,
  argument: Argument,
  plain: readonly string[],
  namesOf: NamesOf,
): Promise<readonly string[]> {
  if (argument.find !== undefined) return await namesOf(argument.find);
  if (action.do === 'call') return [];
  const parent = 'parent' in action ? action.parent : undefined;
  if (parent !== undefined && argument.name === parent.argument) return await namesOf(parent);
  // What is created has no name yet; elsewhere the last argument names what the command is about.
  if (action.do === 'create' || action.do === 'list' || argument !== args.at(-1)) return [];
  return await namesOf(action.resource, parent && { resource: parent, name: plain[0] ?? '' });
}
