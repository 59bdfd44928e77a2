import type { Cell, Json } from './cell.ts';
import { humanValue, pythonText } from './cell.ts';

/** How wide a table may become: 0 for as wide as it needs. */
export interface TableWidth {
  readonly maxWidth: number;
  /** No column is made narrower than this; the table overflows instead. */
  readonly minColumn: number;
  /** For people at a terminal: drawn with lines, and with a bold head. */
  readonly style?: TableStyle;
}

/** How a table looks at a terminal. */
export interface TableStyle {
  readonly bold: boolean;
}

/** The corners and joints of a rule: left, middle, right. */
const BOX = { top: '┌┬┐', middle: '├┼┤', bottom: '└┴┘', line: '─', side: '│' };
const PLAIN = { top: '+++', middle: '+++', bottom: '+++', line: '-', side: '|' };

type Align = 'left' | 'right';

/**
 * A table of plain ASCII lines, as `openstack` prints it: numbers to the right (the first row decides for its
 * column), everything else to the left, several lines in one cell where the value has line breaks.
 * An empty table is no line at all unless `printEmpty` asks for the bare head.
 */
export function listTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  width: TableWidth,
  printEmpty: boolean,
): string {
  if (rows.length === 0 && !printEmpty) return '';
  const first = rows[0];
  const aligns = titles.map((_, i): Align => {
    const cell = first?.[i];
    return typeof cell === 'number' || typeof cell === 'bigint' ? 'right' : 'left';
  });
  return drawn(titles, rows.map(rowTexts), aligns, width);
}

/** The two-column table of one object. */
export function fieldTable(names: readonly string[], cells: readonly Cell[], width: TableWidth): string {
  if (names.length === 0) return '';
  const rows = names.map((name, i) => rowTexts([name, cells[i] ?? null]));
  return drawn(['Field', 'Value'], rows, ['left', 'left'], width);
}

function rowTexts(row: readonly Cell[]): string[] {
  return row.map((cell) => {
    const value: Json = humanValue(cell);
    if (typeof value === 'string') return value.replaceAll('\r\n', '\n').replaceAll('\r', ' ');
    return pythonText(value);
  });
}

function drawn(titles: readonly string[], rows: string[][], aligns: readonly Align[], width: TableWidth): string {
  const natural = columnWidths(titles, rows, []);
  const limits = shrunk(natural, width);
  const widths = columnWidths(titles, rows, limits);
  const { style } = width;
  const drawing = style === undefined ? PLAIN : BOX;
  const rule = ([left = '', joint = '', right = '']: string): string =>
    left + widths.map((w) => drawing.line.repeat(w + 2)).join(joint) + right;
  const lines = [
    rule(drawing.top),
    ...rowLines(titles, widths, aligns, drawing.side, style?.bold),
    rule(drawing.middle),
  ];
  for (const row of rows) lines.push(...rowLines(row, widths, aligns, drawing.side));
  lines.push(rule(drawing.bottom));
  return lines.join('\n');
}

function columnWidths(titles: readonly string[], rows: string[][], limits: readonly (number | undefined)[]): number[] {
  return titles.map((title, i) => {
    const limit = limits[i] ?? Number.POSITIVE_INFINITY;
    let width = displayWidth(title);
    for (const row of rows) width = Math.max(width, Math.min(blockWidth(row[i] ?? ''), limit));
    return width;
  });
}

/**
 * Which columns give way when the table is too wide: those wider than an equal share take what the narrower ones
 * leave, the last of them also what is left over by the division.
 */
function shrunk(natural: readonly number[], { maxWidth, minColumn }: TableWidth): (number | undefined)[] {
  const full = natural.reduce((sum, w) => sum + w + 3, 1);
  if (maxWidth <= 0 || full <= maxWidth) return [];
  const usable = Math.max(0, maxWidth - 1 - 3 * natural.length);
  const share = Math.floor(usable / natural.length);
  const wide = natural.flatMap((w, i) => (w > share ? [i] : []));
  let left = natural.reduce((rest, w) => (w > share ? rest : rest - w), usable);
  const each = Math.floor(left / wide.length);
  const limits: (number | undefined)[] = natural.map(() => undefined);
  for (const i of wide.slice(0, -1)) {
    limits[i] = Math.max(minColumn, each);
    left -= each;
  }
  const last = wide.at(-1);
  if (last !== undefined) limits[last] = Math.max(minColumn, left);
  return limits;
}

function rowLines(
  row: readonly string[],
  widths: readonly number[],
  aligns: readonly Align[],
  side: string,
  bold = false,
): string[] {
  const cells = row.map((text, i) => text.split('\n').flatMap((line) => wrapped(line, widths[i] ?? 0)));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, y) => {
    const parts = cells.map((lines, i) => justified(lines[y] ?? '', widths[i] ?? 0, aligns[i] ?? 'left'));
    const shown = bold ? parts.map((part) => `\u001b[1m${part}\u001b[22m`) : parts;
    return `${side} ${shown.join(` ${side} `)} ${side}`;
  });
}

function justified(text: string, width: number, align: Align): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

function blockWidth(text: string): number {
  return Math.max(...text.split('\n').map(displayWidth));
}

/**
 * Breaks one line at spaces and after hyphens so that no part is longer than `width`. A word longer than a whole
 * line starts where there is room and is cut after a hyphen if one fits, else wherever the line ends.
 */
export function wrapped(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line];
  const waiting = chunks(line).reverse();
  const lines: string[] = [];
  while (waiting.length > 0) {
    if (lines.length > 0 && waiting.at(-1)?.trim() === '') waiting.pop();
    const taken: string[] = [];
    let length = 0;
    for (let next = waiting.at(-1); next !== undefined && length + next.length <= width; next = waiting.at(-1)) {
      taken.push(next);
      length += next.length;
      waiting.pop();
    }
    const next = waiting.at(-1);
    if (next !== undefined && next.length > width) {
      const cut = cutBefore(next, Math.max(width < 1 ? 1 : 0, width - length));
      taken.push(next.slice(0, cut));
      waiting[waiting.length - 1] = next.slice(cut);
    }
    if (taken.at(-1)?.trim() === '') taken.pop();
    if (taken.length > 0) lines.push(taken.join(''));
  }
  return lines.length === 0 ? [''] : lines;
}

function cutBefore(word: string, room: number): number {
  const hyphen = room > 0 ? word.lastIndexOf('-', room - 1) : -1;
  const letters = hyphen > 0 && /[^-]/.test(word.slice(0, hyphen));
  return letters ? hyphen + 1 : room;
}

/** Runs of spaces and words; a word ends after a hyphen that joins two parts beginning with letters. */
function chunks(line: string): string[] {
  const pieces = line.split(/(\s+)/).filter((piece) => piece !== '');
  return pieces.flatMap((piece) => (piece.trim() === '' ? [piece] : piece.split(DASHES).flatMap(hyphens)));
}

/** A dash written as two or more hyphens between two words stands for itself. */
const DASHES = /(?<=[\p{L}\p{N}_!"'&.,?])(-{2,})(?=[\p{L}\p{N}_])/u;

function hyphens(word: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 1; i < word.length - 1; i += 1) {
    if (word[i] !== '-') continue;
    const before = word.slice(start, i);
    const after = word.slice(i + 1);
    const joins = /[\p{L}_]{2}$|[\p{L}_]-[\p{L}\p{N}_!"'&.,?]$/u.test(before) && /^[\p{L}_]-?[\p{L}_]/u.test(after);
    if (joins) {
      parts.push(word.slice(start, i + 1));
      start = i + 1;
    }
  }
  parts.push(word.slice(start));
  return parts;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Columns a text takes on a terminal: two for wide characters, none for combining ones. */
export function displayWidth(text: string): number {
  if (!/[^ -~]/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (/\p{Mn}|\p{Me}|\u200b|\u200d|\ufe0f/u.test(char)) continue;
    width += WIDE.test(char) ? 2 : 1;
  }
  return width;
}
