import type { AuthSettings } from './auth.ts';
import type { Call, Command, Outcome, Values } from './command.ts';
import { outputKind } from './command.ts';
import { commandsUnder, matchCommand } from './command-index.ts';
import { ClientError, EXIT, UsageError } from './errors.ts';
import { type GlobalOptions, takeGlobalOptions } from './global-options.ts';
import { grammarOf, looksLikeOption, parseCommandLine } from './parse.ts';
import type { Session as SignedInSession, Trace } from './session.ts';

/** Somewhere text is written. */
export interface TextSink {
  write(text: string): unknown;
}

/** What a client command sees of the world. */
export interface ClientIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  readonly cwd: string;
  /** Signs in; unset: anew for each command. */
  readonly connect?: (auth: AuthSettings, trace: Trace | undefined) => Promise<SignedInSession>;
}

/**
 * Carries out one client command.
 *
 * @returns the exit code: 0 done, 1 refused or not found, 2 wrong usage, 3 cannot reach or sign in.
 */
export async function runClient(argv: readonly string[], io: ClientIo): Promise<number> {
  try {
    return await runWords(takeGlobalOptions(argv), io);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error instanceof UsageError && error.usage !== undefined) io.stderr.write(`${error.usage}\n`);
    io.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

async function runWords(options: GlobalOptions, io: ClientIo): Promise<number> {
  const wantsHelp = options.words[0] === 'help';
  const words = wantsHelp ? options.words.slice(1) : options.words;
  const end = words.findIndex(looksLikeOption);
  const plain = end < 0 ? words : words.slice(0, end);
  const match = await matchCommand(plain);
  if (match === undefined) return await groupOrUnknown(plain, words.slice(plain.length), wantsHelp, io);
  const { command } = match;
  const { outputOptions, commandHelp, usageOf } = await import('./help.ts');
  let parsed: ReturnType<typeof parseCommandLine>;
  try {
    const grammar = grammarOf(command, outputOptions(outputKind(command)));
    parsed = wantsHelp ? { help: true } : parseCommandLine(grammar, words.slice(match.length));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`portward ${command.words}: error: ${error.message}`, usageOf(command));
  }
  if (parsed.help) {
    io.stdout.write(commandHelp(command));
    return EXIT.done;
  }
  try {
    await carryOut(command, parsed.values, options, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`portward ${command.words}: error: ${error.message}`, usageOf(command));
  }
  return EXIT.done;
}

async function groupOrUnknown(
  words: readonly string[],
  rest: readonly string[],
  wantsHelp: boolean,
  io: ClientIo,
): Promise<number> {
  const below = await commandsUnder(words);
  if (below.length > 0) {
    const { groupHelp } = await import('./help.ts');
    const asked = wantsHelp || rest.includes('--help') || rest.includes('-h');
    (asked ? io.stdout : io.stderr).write(groupHelp(words, below));
    return asked ? EXIT.done : EXIT.usage;
  }
  const typed = words.join(' ');
  const { nearest } = await import('./suggest.ts');
  const names = (await commandsUnder([])).map(({ words: name }) => name);
  // Words that follow a command's name are its arguments: compare as many words as each name has.
  const candidates = names.filter((name) => {
    const begin = words.slice(0, name.split(' ').length).join(' ');
    return nearest(begin, [name]).length > 0;
  });
  const near = nearest(typed, candidates);
  const hints = (near.length > 0 ? near : candidates.slice(0, 3)).map((name) => `  ${name}`);
  const advice = hints.length === 0 ? '' : `\nDid you mean one of these?\n${hints.join('\n')}`;
  throw new UsageError(`portward: '${typed}' is not a portward command. See 'portward --help'.${advice}`);
}

async function carryOut(command: Command, values: Values, options: GlobalOptions, io: ClientIo): Promise<void> {
  const [{ authSettings }, { Session }, { execute }] = await Promise.all([
    import('./auth.ts'),
    import('./session.ts'),
    import('./execute.ts'),
  ]);
  const remark = (line: string): void => {
    io.stderr.write(`${line}\n`);
  };
  const auth = await authSettings({ options: options.auth, insecure: options.insecure, env: io.env, cwd: io.cwd });
  const session = await (io.connect ?? Session.connect)(auth, options.debug ? remark : undefined);
  const call: Call = {
    values,
    session,
    askedColumns: values.texts('--column'),
    remark,
    progress: (text) => io.stdout.write(text),
    // One line, written over by the next one.
    status: (text) => void (io.isTTY && io.stderr.write(text === '' ? '\r\x1b[K' : `\r\x1b[K${text} …`)),
  };
  await print(command, await execute(command, call), values, io, remark);
}

async function print(
  command: Command,
  outcome: Outcome,
  values: Values,
  io: ClientIo,
  remark: (line: string) => void,
): Promise<void> {
  if (outcome === undefined) return;
  const { formatList, formatShow } = await import('./format.ts');
  const environmentWidth = Number.parseInt(io.env.CLIFF_MAX_TERM_WIDTH ?? '', 10) || 0;
  const width = values.text('--max-width');
  const options = {
    format: values.text('--format') ?? 'table',
    // This command has turned attributes' names into titles and kept the order already.
    columns: command.action.do === 'list' && command.action.columnsAsAsked === true ? [] : values.texts('--column'),
    sortColumns: values.texts('--sort-column'),
    sortDescending: values.has('--sort-descending'),
    maxWidth: width === undefined ? environmentWidth : Number.parseInt(width, 10),
    fitWidth: values.has('--fit-width') || Boolean(Number.parseInt(io.env.CLIFF_FIT_WIDTH ?? '', 10)),
    printEmpty: values.has('--print-empty'),
    noIndent: values.has('--noindent'),
    quote: values.text('--quote') ?? 'nonnumeric',
    prefix: values.text('--prefix') ?? '',
  };
  // As https://no-color.org has it: colours, and the like, unless the variable is set.
  const style = { bold: (io.env.NO_COLOR ?? '') === '' };
  const screen = io.isTTY ? { columns: io.columns, style, remark } : { columns: 0, remark };
  io.stdout.write(
    outcome.kind === 'list' ? formatList(outcome, options, screen) : formatShow(outcome, options, screen),
  );
}
