/** Deepest nesting of a body: far beyond what any request needs, far below what functions that recurse can take. */
const DEEPEST = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `]`, `{` and `}`: two pairs that one bit tells from each other. */
const CASE_BIT = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Whether a JSON text has more objects and arrays in each other than a body may have; looks at nothing else. */
export function isTooDeep(text: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if ((byte & ~CASE_BIT) === OPEN) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if ((byte & ~CASE_BIT) === CLOSE) depth -= 1;
  }
  return false;
}
