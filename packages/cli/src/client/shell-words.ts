import { UsageError } from './errors.ts';

/** A line as far as it has been typed. */
export interface TypedLine {
  /** Its words, quotes and comments gone; the last one may be unfinished. */
  readonly words: readonly string[];
  /** Where the last word begins in the line, its quote included; the line's length when a new word would begin. */
  readonly lastStart: number;
  /** The quote that is still open, or a backslash at the very end. */
  readonly open: string | undefined;
}

/**
 * Splits a line into words as a POSIX shell does: single quotes, double quotes, backslashes, and `#` at the beginning
 * of a word for a comment. Nothing is expanded.
 */
export function typedLine(line: string): TypedLine {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let lastStart = line.length;
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i] ?? '';
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (word === undefined) {
      if (char === '#') return { words, lastStart: line.length, open: undefined };
      lastStart = i;
      word = '';
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === "'" || char === '"')) quote = char;
    else if (char === '\\' && quote !== "'") {
      const next = line[i + 1];
      if (next === undefined) return { words: [...words, word], lastStart, open: '\\' };
      // Between double quotes a backslash protects only what is special there.
      word += quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next;
      i += 1;
    } else word += char;
  }
  if (word === undefined) return { words, lastStart: line.length, open: undefined };
  return { words: [...words, word], lastStart, open: quote === '' ? undefined : quote };
}

/**
 * The words of a whole line.
 *
 * @throws UsageError for a quote that is not closed.
 */
export function shellWords(line: string): readonly string[] {
  const { words, open } = typedLine(line);
  if (open === '\\') throw new UsageError('Nothing follows the backslash at the end of the line.');
  if (open !== undefined) throw new UsageError(`The quote ${open} is not closed.`);
  return words;
}

/** A word as it must be typed to be read as itself. */
export const quotedWord = (word: string): string =>
  /^[\w./:=@,+%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
