import type { Argument, Command, Option, Values } from './command.ts';
import { UsageError } from './errors.ts';
import { optionsOf } from './extra-properties.ts';
import { nearest } from './suggest.ts';

/** The values of a command line, or the wish for help. */
export type Parsed = { readonly help: true } | { readonly help: false; readonly values: Values };

/** What a command line is read against. */
export interface Grammar {
  readonly arguments: readonly Argument[];
  readonly options: readonly Option[];
}

/**
 * Reads the words after the command's name, the way argparse reads them for `openstack`: options anywhere,
 * `--opt value` or `--opt=value`, unambiguous beginnings of options, `--` ends them.
 *
 * @throws UsageError for anything that does not fit the grammar.
 */
export function parseCommandLine(grammar: Grammar, words: readonly string[]): Parsed {
  const store = new ParsedValues();
  const plain: Placed[] = [];
  const groups = new Map<string, Option>();
  const unknown: Placed[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word === '--') {
      plain.push(...words.slice(i + 1).map((rest, k) => ({ word: rest, at: i + 1 + k })));
      break;
    }
    if (!looksLikeOption(word)) {
      plain.push({ word, at: i });
      continue;
    }
    if (word === '-h' || word === '--help') return { help: true };
    const found = findOption(grammar.options, word);
    if (found === undefined) {
      unknown.push({ word, at: i });
      continue;
    }
    const { option, attached } = found;
    excludeOthers(option, groups);
    if (option.metavar === undefined) {
      if (attached !== undefined) {
        throw new UsageError(`argument ${optionName(option)}: ignored explicit argument '${attached}'`);
      }
      store.add(option.flag, 'true', false);
      continue;
    }
    let text = attached;
    if (text === undefined) {
      const next = words[i + 1];
      if (next === undefined || looksLikeOption(next) || next === '--') {
        throw new UsageError(`argument ${optionName(option)}: expected one argument`);
      }
      text = next;
      i += 1;
    }
    store.add(option.flag, checkedText(option, text), option.repeat === true);
  }
  const rest = placeArguments(grammar, plain, store, suggestion(grammar.options, unknown));
  if (unknown.length + rest.length > 0) throw unknownWords(grammar.options, unknown, rest);
  return { help: false, values: store };
}

/** A word, and where it stands. */
interface Placed {
  readonly word: string;
  readonly at: number;
}

class ParsedValues implements Values {
  readonly #texts = new Map<string, string[]>();

  add(name: string, text: string, append: boolean): void {
    const old = append ? (this.#texts.get(name) ?? []) : [];
    this.#texts.set(name, [...old, text]);
  }

  has(name: string): boolean {
    return this.#texts.has(name);
  }

  text(name: string): string | undefined {
    return this.#texts.get(name)?.at(-1);
  }

  texts(name: string): readonly string[] {
    return this.#texts.get(name) ?? [];
  }
}

/** A word that begins with a hyphen is an option, unless it is a hyphen alone, a number or has a space in it. */
export function looksLikeOption(word: string): boolean {
  if (!word.startsWith('-') || word === '-' || word === '--') return false;
  if (/^-\d+$|^-\d*\.\d+$/.test(word)) return false;
  return !word.includes(' ') || word.split(' ', 1)[0]?.includes('=') === true;
}

function optionName(option: Option): string {
  return option.short === undefined ? option.flag : `${option.short}/${option.flag}`;
}

interface FoundOption {
  readonly option: Option;
  readonly attached: string | undefined;
}

function findOption(options: readonly Option[], word: string): FoundOption | undefined {
  if (!word.startsWith('--')) {
    const short = word.slice(0, 2);
    const option = options.find((candidate) => candidate.short === short);
    if (option === undefined) return undefined;
    const rest = word.slice(2).replace(/^=/, '');
    return { option, attached: word.length > 2 ? rest : undefined };
  }
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const exact = options.find((candidate) => candidate.flag === name);
  if (exact !== undefined) return { option: exact, attached };
  const begun = options.filter((candidate) => candidate.flag.startsWith(name));
  if (begun.length > 1) {
    const names = begun.map((candidate) => candidate.flag).join(', ');
    throw new UsageError(`ambiguous option: ${word} could match ${names}`);
  }
  const [option] = begun;
  return option === undefined ? undefined : { option, attached };
}

function excludeOthers(option: Option, groups: Map<string, Option>): void {
  if (option.group === undefined) return;
  const other = groups.get(option.group);
  if (other !== undefined && other.flag !== option.flag) {
    throw new UsageError(`argument ${optionName(option)}: not allowed with argument ${optionName(other)}`);
  }
  groups.set(option.group, option);
}

function checkedText(option: Option, given: string): string {
  const text = option.normalise === undefined ? given : option.normalise(given);
  if (option.integer === true && !/^\s*[-+]?\d+\s*$/.test(text)) {
    throw new UsageError(`argument ${optionName(option)}: invalid int value: '${text}'`);
  }
  if (option.choices !== undefined && !option.choices.includes(text)) {
    const choices = option.choices.map((choice) => (option.integer === true ? choice : `'${choice}'`)).join(', ');
    const shown = option.integer === true ? text : `'${text}'`;
    throw new UsageError(`argument ${optionName(option)}: invalid choice: ${shown} (choose from ${choices})`);
  }
  if (option.keys !== undefined) checkKeys(option, text);
  return text;
}

/** The pairs of a `key=value,key=value` text. */
export function keyValues(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

function checkKeys(option: Option, text: string): void {
  const { required = [], optional = [] } = option.keys ?? {};
  const say = (message: string): UsageError => new UsageError(`argument ${optionName(option)}: ${message}`);
  if (text.split(',').some((pair) => pair.indexOf('=') < 1)) {
    throw say(`Expected comma separated 'key=value' pairs, but got: ${text}`);
  }
  const given = Object.keys(keyValues(text));
  const known = [...required, ...optional].sort();
  const invalid = given.filter((key) => !known.includes(key)).sort();
  if (invalid.length > 0) {
    throw say(`Invalid keys ${invalid.join(', ')} specified.\nValid keys are: ${known.join(', ')}`);
  }
  const missing = required.filter((key) => !given.includes(key)).sort();
  if (missing.length > 0) {
    throw say(`Missing required keys ${missing.join(', ')}.\nRequired keys are: ${[...required].sort().join(', ')}`);
  }
}

/** The options nearest to the first unknown one. */
function suggestion(options: readonly Option[], unknown: readonly Placed[]): string {
  const typed = unknown[0]?.word.split('=', 1)[0];
  if (typed === undefined) return '';
  const near = nearest(typed, [...options.map((option) => option.flag), '--help']);
  return near.length === 0 ? '' : `\nDid you mean ${near.join(' or ')}?`;
}

function unknownWords(options: readonly Option[], unknown: readonly Placed[], rest: readonly Placed[]): UsageError {
  const words = [...unknown, ...rest].toSorted((a, b) => a.at - b.at).map(({ word }) => word);
  return new UsageError(`unrecognized arguments: ${words.join(' ')}${suggestion(options, unknown)}`);
}

/** Gives the words to the arguments; answers those that are left. */
function placeArguments(
  grammar: Grammar,
  plain: readonly Placed[],
  store: ParsedValues,
  hint: string,
): readonly Placed[] {
  const missing: string[] = [];
  let rest = [...plain];
  grammar.arguments.forEach((argument, i) => {
    // A repeatable argument leaves one word to each that must follow it.
    const after = grammar.arguments.slice(i + 1).filter((later) => later.optional !== true).length;
    const count = argument.many === true ? Math.max(0, rest.length - after) : Math.min(1, rest.length);
    for (const { word } of rest.slice(0, count)) store.add(argument.name, word, argument.many === true);
    rest = rest.slice(count);
    if (count === 0 && argument.optional !== true) missing.push(`<${argument.name}>`);
  });
  const options = grammar.options.filter((option) => option.required === true && !store.has(option.flag));
  missing.push(...options.map((option) => option.flag));
  if (missing.length > 0) {
    throw new UsageError(`the following arguments are required: ${missing.join(', ')}${hint}`);
  }
  return rest;
}

/** The grammar of a command together with the options of its output. */
export function grammarOf(command: Command, outputOptions: readonly Option[]): Grammar {
  return { arguments: command.arguments ?? [], options: [...optionsOf(command), ...outputOptions] };
}
