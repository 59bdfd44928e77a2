/** Characters of the longest line that is taken: an object of the feed has some thousands at most. */
const LONGEST_LINE = 16 << 20;

/**
 * Values of a stream of newline-delimited JSON, one by one as they arrive, whatever the pieces are that they arrive in.
 * An unfinished last line is dropped. Throws an Error on a line that is no JSON or too long.
 */
export async function* parseNdjson(pieces: AsyncIterable<string>): AsyncGenerator<unknown> {
  let begun = '';
  for await (const piece of pieces) {
    let start = 0;
    for (;;) {
      // Only the new piece is searched: a long line in many pieces must not be gone through again for each.
      const end = piece.indexOf('\n', start);
      if (end < 0) break;
      const line = begun + piece.slice(start, end);
      begun = '';
      start = end + 1;
      if (line.trim() !== '') yield parse(line);
    }
    begun += piece.slice(start);
    if (begun.length > LONGEST_LINE) throw new Error(`a line of the feed has more than ${LONGEST_LINE} characters`);
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`a line of the feed is no JSON: ${line.slice(0, 100)}`);
  }
}
