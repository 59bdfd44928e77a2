/** Anything JSON can hold: what an API answers and what a machine format prints. Integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** One JSON object: a resource as the API gives it. */
export type JsonObject = { [key: string]: Json };

/** A value shown one way to people (table) and another way to programs (json, yaml, csv, value, shell). */
export class Shaped {
  readonly human: Json;
  readonly machine: Json;

  constructor(human: Json, machine: Json) {
    this.human = human;
    this.machine = machine;
  }
}

/** What one cell of an output holds. */
export type Cell = Json | Shaped;

/** Turns the raw value of an attribute into its cell. */
export type CellFormat = (value: Json) => Cell;

/** The value a machine format prints. */
export function machineValue(cell: Cell): Json {
  return cell instanceof Shaped ? cell.machine : cell;
}

/** The value a table prints. */
export function humanValue(cell: Cell): Json {
  return cell instanceof Shaped ? cell.human : cell;
}

/** True for a JSON object (not null, not a list). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The text `str()` gives a value in Python. The openstack client prints booleans, nulls, lists and dictionaries
 * so (`True`, `None`, `['a']`), and scripts read it.
 */
export function pythonText(value: Json): string {
  return typeof value === 'string' ? value : pythonRepr(value);
}

/** The text `repr()` gives a value in Python. */
export function pythonRepr(value: Json): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return pythonQuoted(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, item]) => `${pythonQuoted(key)}: ${pythonRepr(item)}`);
  return `{${pairs.join(', ')}}`;
}

const NAMED_ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function pythonQuoted(text: string): string {
  // Single quotes unless only a double-quoted form spares the escaping.
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === quote) out += `\\${char}`;
    else if (NAMED_ESCAPES[char] !== undefined) out += NAMED_ESCAPES[char];
    else if (code < 0x20 || (code >= 0x7f && code < 0xa1) || code === 0xad) out += `\\x${hex(code, 2)}`;
    else out += char;
  }
  return quote + out + quote;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** `key='value', key2='value2'`, keys sorted; nested dictionaries as `outer.inner='value'`, nulls as `key=`. */
export function dictText(value: JsonObject, prefix = ''): string {
  const parts = Object.keys(value)
    .sort()
    .map((key) => {
      const name = prefix === '' ? key : `${prefix}.${key}`;
      const item = value[key] ?? null;
      if (isObject(item)) return dictText(item, name);
      return item === null ? `${name}=` : `${name}='${pythonText(item)}'`;
    });
  return parts.join(', ');
}

/** A list of words: joined by `, ` in their sorted order. */
export const listCell: CellFormat = (value) => {
  if (!Array.isArray(value)) return value === null ? new Shaped(null, null) : value;
  return new Shaped(value.map(pythonText).sort().join(', '), value);
};

/** A dictionary: `key='value', …`. */
export const dictCell: CellFormat = (value) =>
  isObject(value) ? new Shaped(dictText(value), value) : new Shaped(null, {});

/** A list of dictionaries: one a line. */
export const dictListCell: CellFormat = (value) => {
  if (!Array.isArray(value)) return new Shaped(null, null);
  return new Shaped(value.map((item) => (isObject(item) ? dictText(item) : pythonText(item))).join('\n'), value);
};

/** `network=10.0.0.5, 203.0.113.9; other=…`: a dictionary of lists. */
export const listsByNameCell: CellFormat = (value) => {
  if (!isObject(value)) return new Shaped(null, {});
  const parts = Object.keys(value)
    .sort()
    .filter((key) => Array.isArray(value[key]))
    .map((key) => `${key}=${(value[key] as Json[]).map(pythonText).sort().join(', ')}`);
  return new Shaped(parts.join('; '), value);
};

/** A cell with one word for true and another for everything else. */
export function eitherCell(yes: string, no: string): CellFormat {
  return (value) => new Shaped(isTruthy(value) ? yes : no, value);
}

/** Administrative state, as the openstack client names it. */
export const adminStateCell = eitherCell('UP', 'DOWN');

function isTruthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== null && value !== false && value !== 0 && value !== 0n && value !== '';
}

/**
 * JSON as Python's encoder writes it: ASCII only, `, ` and `: ` between the parts when on one line, two spaces a
 * level otherwise.
 */
export function pythonJson(value: Json, indent: number | undefined, level = 0): string {
  if (typeof value === 'string') return asciiJsonString(value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = indent === undefined ? '' : `\n${' '.repeat(indent * (level + 1))}`;
  const outer = indent === undefined ? '' : `\n${' '.repeat(indent * level)}`;
  const comma = indent === undefined ? ', ' : ',';
  const parts = Array.isArray(value)
    ? value.map((item) => pythonJson(item, indent, level + 1))
    : Object.entries(value).map(([key, item]) => `${asciiJsonString(key)}: ${pythonJson(item, indent, level + 1)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  return open + inner + parts.join(comma + inner) + outer + close;
}

function asciiJsonString(text: string): string {
  let out = '';
  for (const unit of JSON.stringify(text)) {
    for (let i = 0; i < unit.length; i += 1) {
      const code = unit.charCodeAt(i);
      out += code > 0x7e ? `\\u${hex(code, 4)}` : unit.charAt(i);
    }
  }
  return out;
}
