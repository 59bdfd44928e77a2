import type { Json, JsonObject } from './cell.ts';

/**
 * Reads YAML that is nothing but nested mappings of simple values, as clouds.yaml mostly is: the YAML library takes
 * longer to load than all the rest of a command. Answers undefined for anything else, which the library then reads.
 */
export function readPlainYaml(text: string): JsonObject | undefined {
  const root: JsonObject = {};
  const open: { indent: number; map: JsonObject }[] = [{ indent: 0, map: root }];
  /** The key whose value would be the mapping that a deeper line begins. */
  let waiting: { map: JsonObject; key: string } | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line) || (line === '---' && Object.keys(root).length === 0)) continue;
    const match = /^( *)([A-Za-z_][\w.-]*):(?: +(.*))?$/.exec(line);
    if (match === null) return undefined;
    const [, spaces = '', key = '', rest = ''] = match;
    const deepest = open.at(-1);
    if (deepest === undefined) return undefined;
    if (waiting !== undefined && spaces.length > deepest.indent) {
      const map: JsonObject = {};
      waiting.map[waiting.key] = map;
      open.push({ indent: spaces.length, map });
    }
    while (open.length > 1 && (open.at(-1)?.indent ?? 0) > spaces.length) open.pop();
    const current = open.at(-1);
    if (current === undefined || current.indent !== spaces.length || key in current.map) return undefined;
    const value = simpleValue(rest.trim());
    if (value === undefined) return undefined;
    current.map[key] = value;
    waiting = rest.trim() === '' ? { map: current.map, key } : undefined;
  }
  return root;
}

/** Nothing, a quoted text without escapes, or a word that no version of YAML takes for anything but itself. */
function simpleValue(text: string): Json | undefined {
  if (text === '') return null;
  const quoted = /^"([^"\\]*)"$|^'([^']*)'$/.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? '';
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  const word = /^[A-Za-z/][\w./@+-]*(?::[\w./@+-]+)*$/.test(text);
  return word && !/^(null|y|n|yes|no|on|off|true|false)$/i.test(text) ? text : undefined;
}
