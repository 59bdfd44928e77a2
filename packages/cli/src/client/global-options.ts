import { AUTH_NAMES, type AuthValues } from './auth.ts';
import { UsageError } from './errors.ts';
import { nearest } from './suggest.ts';

/** Options that belong to every client command, and the words that are left without them. */
export interface GlobalOptions {
  readonly auth: AuthValues;
  readonly insecure: boolean;
  readonly debug: boolean;
  readonly words: readonly string[];
}

const SWITCHES = ['--insecure', '--debug', '--verbose', '-v', '--quiet', '-q'];

/**
 * Takes the global options out of a command line: those before the command, and `--os-…`, `--insecure` and `--debug`
 * wherever they stand.
 *
 * @throws UsageError for a global option that is unknown or lacks its value.
 */
export function takeGlobalOptions(argv: readonly string[]): GlobalOptions {
  const auth: AuthValues = {};
  const words: string[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (word === '--') {
      words.push(...argv.slice(i));
      break;
    }
    const isBefore = words.length === 0;
    if (SWITCHES.includes(word) && (isBefore || word.startsWith('--insecure') || word === '--debug')) {
      seen.add(word);
      continue;
    }
    const option = authOption(word, isBefore);
    if (option === undefined) {
      words.push(word);
      continue;
    }
    let { value } = option;
    if (value === undefined) {
      i += 1;
      value = argv[i];
    }
    if (value === undefined) throw new UsageError(`argument --os-${option.name}: expected one argument`);
    auth[option.name] = value;
  }
  return { auth, insecure: seen.has('--insecure'), debug: seen.has('--debug'), words };
}

function authOption(word: string, strict: boolean): { name: keyof AuthValues; value: string | undefined } | undefined {
  if (!word.startsWith('--os-')) return undefined;
  const equals = word.indexOf('=');
  const typed = (equals < 0 ? word : word.slice(0, equals)).slice('--os-'.length);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const name = AUTH_NAMES.find((candidate) => candidate === typed);
  if (name !== undefined) return { name, value };
  if (!strict) return undefined;
  const near = nearest(
    `--os-${typed}`,
    AUTH_NAMES.map((candidate) => `--os-${candidate}`),
  );
  const hint = near.length === 0 ? '' : `\nDid you mean ${near.join(' or ')}?`;
  throw new UsageError(`unrecognized arguments: ${word}${hint}`);
}
