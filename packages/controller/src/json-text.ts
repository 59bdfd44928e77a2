/** Deepest nesting of a body: far beyond what any request needs, far below what functions that recurse can take. */
const DEEPEST = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `]`, `{` and `}`: two pairs that one bit tells from each other. */
const CASE_BIT = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

const NUL = Buffer.from('u0000');

/**
 * Whether a JSON text is nothing for us, whatever it says: more objects and arrays in each other than a body may have,
 * or a NUL, which no text column of PostgreSQL takes. Whether it is JSON at all, the parser says.
 */
export function isUnfit(text: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) {
        if (text.subarray(at + 1, at + 1 + NUL.length).equals(NUL)) return true;
        at++;
      } else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if ((byte & ~CASE_BIT) === OPEN) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if ((byte & ~CASE_BIT) === CLOSE) depth -= 1;
  }
  return false;
}
