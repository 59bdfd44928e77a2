import type { Cell, Json } from './cell.ts';
import { machineValue, pythonJson, pythonRepr, pythonText, Shaped } from './cell.ts';
import { ClientError } from './errors.ts';
import { fieldTable, listTable, type TableStyle } from './table.ts';
import { yamlDocument } from './yaml-text.ts';

/** How an output is to be printed: the answer to `-f`, `-c`, `--sort-column` and the options of each format. */
export interface OutputOptions {
  readonly format: string;
  readonly columns: readonly string[];
  readonly sortColumns: readonly string[];
  readonly sortDescending: boolean;
  readonly maxWidth: number;
  readonly fitWidth: boolean;
  readonly printEmpty: boolean;
  readonly noIndent: boolean;
  readonly quote: string;
  readonly prefix: string;
}

/** What a command found: rows under titles. */
export interface ListOutput {
  readonly kind: 'list';
  readonly titles: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What a command found: one object's fields. */
export interface ShowOutput {
  readonly kind: 'show';
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
}

/** Where the output goes: how wide a terminal is (0: not a terminal), and where a remark is printed. */
export interface Screen {
  readonly columns: number;
  /** How tables look at a terminal; plain ASCII when absent. */
  readonly style?: TableStyle;
  readonly remark: (line: string) => void;
}

/** Formats of lists and of single objects, in the order `--help` names them. */
export const LIST_FORMATS = ['csv', 'json', 'table', 'value', 'yaml'] as const;
export const SHOW_FORMATS = ['json', 'shell', 'table', 'value', 'yaml'] as const;
export const QUOTE_MODES = ['all', 'minimal', 'none', 'nonnumeric'] as const;

/** The text of a list, sorted and cut to the columns asked for. */
export function formatList(output: ListOutput, options: OutputOptions, screen: Screen): string {
  const sorted = sortRows(output.titles, output.rows, options, screen);
  const picked = pickColumns(output.titles, options.columns);
  const titles = picked.map((i) => output.titles[i] ?? '');
  const rows = sorted.map((row) => picked.map((i) => row[i] ?? null));
  switch (options.format) {
    case 'csv':
      return csvText(titles, rows, options.quote);
    case 'json':
      return `${pythonJson(
        rows.map((row) => record(titles, row)),
        options.noIndent ? undefined : 2,
      )}\n`;
    case 'yaml':
      return yamlDocument(rows.map((row) => record(titles, row)));
    case 'value':
      return rows.map((row) => `${row.map((cell) => pythonText(machineValue(cell))).join(' ')}\n`).join('');
    default: {
      const width = { maxWidth: tableWidth(options, screen), minColumn: 8, ...styleOf(screen) };
      return `${listTable(titles, rows, width, options.printEmpty)}\n`;
    }
  }
}

/** The text of one object, cut to the fields asked for. */
export function formatShow(output: ShowOutput, options: OutputOptions, screen: Screen): string {
  const picked = pickColumns(output.names, options.columns);
  const names = picked.map((i) => output.names[i] ?? '');
  const cells = picked.map((i) => output.cells[i] ?? null);
  switch (options.format) {
    case 'json':
      return `${pythonJson(record(names, cells), options.noIndent ? undefined : 2)}\n`;
    case 'yaml':
      return names.map((name, i) => yamlDocument({ [name]: machineValue(cells[i] ?? null) })).join('');
    case 'value':
      return cells.map((cell) => `${pythonText(machineValue(cell))}\n`).join('');
    case 'shell':
      return names.map((name, i) => shellLine(options.prefix, name, cells[i] ?? null)).join('');
    default: {
      const width = { maxWidth: tableWidth(options, screen), minColumn: 16, ...styleOf(screen) };
      return `${fieldTable(names, cells, width)}\n`;
    }
  }
}

function styleOf({ style }: Screen): { style?: TableStyle } {
  return style === undefined ? {} : { style };
}

function tableWidth(options: OutputOptions, screen: Screen): number {
  if (options.maxWidth > 0) return options.maxWidth;
  return options.fitWidth ? screen.columns : 0;
}

function record(names: readonly string[], cells: readonly Cell[]): { [key: string]: Json } {
  return Object.fromEntries(names.map((name, i) => [name, machineValue(cells[i] ?? null)]));
}

/** Indexes of the columns to print: all, or those asked for in the output's own order. */
function pickColumns(titles: readonly string[], asked: readonly string[]): number[] {
  const all = titles.map((_, i) => i);
  if (asked.length === 0) return all;
  const picked = all.filter((i) => asked.includes(titles[i] ?? ''));
  if (picked.length === 0) {
    const known = `(${titles.map((title) => pythonRepr(title)).join(', ')})`;
    throw new ClientError(`No recognized column names in ${pythonRepr([...asked])}. Recognized columns are ${known}.`);
  }
  return picked;
}

function sortRows(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: OutputOptions,
  screen: Screen,
): readonly (readonly Cell[])[] {
  let sorted = rows;
  // The column named first decides first, so it is sorted last (the sort is stable).
  for (const name of options.sortColumns.toReversed()) {
    const index = titles.indexOf(name);
    if (index < 0) continue;
    try {
      sorted = sorted.toSorted((a, b) => {
        const order = compareCells(a[index] ?? null, b[index] ?? null);
        return options.sortDescending ? -order : order;
      });
    } catch (error) {
      if (!(error instanceof UnsortableError)) throw error;
      screen.remark(`Could not sort on field '${name}'; unsortable types`);
    }
  }
  return sorted;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

class UnsortableError extends Error {}

/** Nulls last, numbers and texts in their order, lists item by item. */
function compareCells(a: Cell, b: Cell): number {
  if (a instanceof Shaped && b instanceof Shaped) return compareValues(a.machine, b.machine);
  const left = machineValue(a);
  const right = machineValue(b);
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return compareValues(left, right);
}

function compareValues(a: Json, b: Json): number {
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
      const order = compareValues(a[i] ?? null, b[i] ?? null);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  throw new UnsortableError();
}

function shellLine(prefix: string, name: string, cell: Cell): string {
  const variable = name.toLowerCase().replace(/[ :-]/g, '_');
  const text = pythonText(machineValue(cell));
  const escaped = cell instanceof Shaped || typeof cell === 'string' ? text.replaceAll('"', '\\"') : text;
  return `${prefix}${variable}="${escaped}"\n`;
}

function csvText(titles: readonly string[], rows: readonly (readonly Cell[])[], quote: string): string {
  const lines = [titles as readonly Cell[], ...rows];
  return lines.map((row) => `${csvLine(row, quote)}\n`).join('');
}

function csvLine(row: readonly Cell[], quote: string): string {
  if (row.length === 1 && csvSource(row[0] ?? null) === '' && quote !== 'none') return '""';
  return row.map((cell) => csvField(cell, quote)).join(',');
}

function csvSource(cell: Cell): string {
  const value = cell instanceof Shaped ? pythonText(cell.machine) : cell;
  return value === null ? '' : pythonText(value);
}

function csvField(cell: Cell, quote: string): string {
  const text = csvSource(cell);
  const isPlain = typeof cell === 'boolean' || isNumber(cell);
  if (quote === 'none') return text.replace(/[\\,"\r\n]/g, (char) => `\\${char}`);
  const special = /[,"\r\n]/.test(text);
  const quoted = quote === 'all' || (quote === 'nonnumeric' && !isPlain) || special;
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '""');
  return quoted ? `"${escaped}"` : escaped;
}
