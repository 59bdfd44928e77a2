import type { Json } from './cell.ts';
import { isObject } from './cell.ts';

const WIDTH = 80;

/**
 * A YAML document in block style as PyYAML's safe dumper writes it (the `-f yaml` of the openstack client): keys
 * sorted, texts unquoted where nothing else could be meant, folded after column 80.
 */
export function yamlDocument(value: Json): string {
  if (isObject(value) || Array.isArray(value)) {
    return isEmpty(value) ? `${emptyText(value)}\n` : blockLines(value, 0);
  }
  const text = scalar(value, 0, 0, false);
  return /^['"]/.test(text) ? `${text}\n` : `${text}\n...\n`;
}

function isEmpty(value: Json): boolean {
  return isObject(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0;
}

function emptyText(value: Json): string {
  return Array.isArray(value) ? '[]' : '{}';
}

/** Lines of a list or dictionary that is not empty; the first is not indented by the caller. */
function blockLines(value: Json, indent: number): string {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value)) return value.map((item) => `${pad}-${itemText(item, indent)}`).join('');
  if (!isObject(value)) return '';
  return Object.keys(value)
    .sort()
    .map((key) => pad + entryText(key, value[key] ?? null, indent))
    .join('');
}

/** What follows the dash of a list item. */
function itemText(item: Json, indent: number): string {
  if ((isObject(item) || Array.isArray(item)) && !isEmpty(item)) {
    return ` ${blockLines(item, indent + 2).slice(indent + 2)}`;
  }
  return ` ${scalar(item, indent + 2, indent + 2, false)}\n`;
}

function entryText(key: string, value: Json, indent: number): string {
  const name = scalar(key, indent, indent, true);
  // A key that is long or has line breaks cannot stand before a plain colon.
  const simple = key.length < 128 && !key.includes('\n');
  const head = simple ? `${name}:` : `? ${name}\n${' '.repeat(indent)}:`;
  if ((isObject(value) || Array.isArray(value)) && !isEmpty(value)) {
    // A list under a key is not indented further than the key.
    if (Array.isArray(value)) return `${head}\n${blockLines(value, indent)}`;
    return `${head}\n${blockLines(value, indent + 2)}`;
  }
  const column = simple ? indent + head.length + 1 : indent + 2;
  return `${head} ${scalar(value, column, indent + 2, false)}\n`;
}

/** One value that has no parts, starting at `column`, its further lines indented by `indent`. */
function scalar(value: Json, column: number, indent: number, isKey: boolean): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'string') return emptyText(value);
  if (needsDoubleQuotes(value)) return doubleQuoted(value, column, indent, isKey);
  if (isPlain(value) && !(isKey && value.includes('\n'))) return folded(value, column, indent, isKey);
  return singleQuoted(value, column, indent, isKey);
}

function numberText(value: number): string {
  const text = String(value);
  // A float in exponent form needs a dot to be read as one.
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e') : text;
}

function needsDoubleQuotes(text: string): boolean {
  // Characters that cannot be printed, and any beyond ASCII (the dumper writes ASCII only).
  if (/[^\n\x20-\x7e]/.test(text)) return true;
  // A space before a line break would be lost by folding.
  return / \n/.test(text);
}

const RESOLVED = [
  /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  /^(?:~|null|Null|NULL|)$/,
  /^[-+]?0b[0-1_]+$/,
  /^[-+]?0[0-7_]+$/,
  /^[-+]?(?:0|[1-9][0-9_]*)$/,
  /^[-+]?0x[0-9a-fA-F_]+$/,
  /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/,
  /^[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?$/,
  /^\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?$/,
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/,
  /^[-+]?\.(?:inf|Inf|INF)$/,
  /^\.(?:nan|NaN|NAN)$/,
  /^(?:<<|=)$/,
  /^\d{4}-\d\d-\d\d$/,
  /^\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?$/,
];

/** Can the text stand without quotes and still be read as this text? */
function isPlain(text: string): boolean {
  if (RESOLVED.some((pattern) => pattern.test(text))) return false;
  if (/^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  if (/^[?:-](?:\s|$)/.test(text)) return false;
  if (/^ | $|\n/.test(text)) return false;
  return !/: |:$| #/.test(text);
}

/** A plain text broken at single spaces once the line is past the width. */
function folded(text: string, start: number, indent: number, isKey: boolean): string {
  return foldWords(text, start, indent, isKey, (words) => words);
}

function foldWords(
  text: string,
  start: number,
  indent: number,
  isKey: boolean,
  shape: (words: string) => string,
): string {
  let out = '';
  let column = start;
  const pieces = text.split(/( +)/);
  pieces.forEach((piece, i) => {
    const inside = i > 0 && i < pieces.length - 1;
    if (piece === ' ' && !isKey && column > WIDTH && inside && pieces[i - 1] !== '' && pieces[i + 1] !== '') {
      out += `\n${' '.repeat(indent)}`;
      column = indent;
      return;
    }
    const words = shape(piece);
    out += words;
    column += words.length;
  });
  return out;
}

function singleQuoted(text: string, start: number, indent: number, isKey: boolean): string {
  const pad = ' '.repeat(indent);
  let out = "'";
  let column = start + 1;
  const parts = text.split(/(\n+)/);
  parts.forEach((part) => {
    if (part.startsWith('\n')) {
      // One line break is written as two (a single one would fold into a space), unless the line ends here.
      out += `\n${part}${pad}`;
      column = indent;
      return;
    }
    const body = foldWords(part, column, indent, isKey, (words) => words.replaceAll("'", "''"));
    out += body;
    column = body.includes('\n') ? body.length - body.lastIndexOf('\n') - 1 : column + body.length;
  });
  return `${out}'`;
}

const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\xa0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(text: string, start: number, indent: number, isKey: boolean): string {
  let out = '"';
  let column = start + 1;
  const chars = [...text];
  let run = '';
  const flush = (): void => {
    out += run;
    column += run.length;
    run = '';
  };
  chars.forEach((char, i) => {
    const code = char.codePointAt(0) ?? 0;
    const plain = code >= 0x20 && code <= 0x7e && char !== '"' && char !== '\\';
    if (!plain) {
      flush();
      const sequence = ESCAPES[char] ?? numericEscape(code);
      out += sequence;
      column += sequence.length;
    }
    const inside = i > 0 && i < chars.length - 1;
    const breakable = char === ' ' || run === '';
    if (inside && !isKey && breakable && column + run.length > WIDTH) {
      out += `${run}\\\n${' '.repeat(indent)}`;
      column = indent;
      run = '';
      // A line must not begin with a space: it is escaped.
      if ((plain ? char : chars[i + 1]) === ' ') {
        out += '\\';
        column += 1;
      }
    }
    if (plain) run += char;
  });
  flush();
  return `${out}"`;
}

function numericEscape(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`;
}
