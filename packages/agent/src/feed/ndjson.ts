/** Characters of the longest line that is taken: an object of the feed has some thousands at most. */
const LONGEST_LINE = 16 << 20;

/**
 * Reads newline-delimited JSON and hands on value by value as soon as the end of its line is there, whatever the pieces
 * are that the text comes in. Blank lines mean nothing.
 */
export class NdjsonReader {
  readonly #take: (value: unknown) => void;
  /** The line of which the end is not there yet. */
  #begun = '';

  constructor(take: (value: unknown) => void) {
    this.#take = take;
  }

  /** Takes a piece in. Throws an Error on a line that is no JSON or too long, and what `take` throws. */
  push(piece: string): void {
    let start = 0;
    for (;;) {
      // Only the new piece is searched: a long line in many pieces must not be gone through again for each.
      const end = piece.indexOf('\n', start);
      if (end < 0) break;
      const line = this.#begun + piece.slice(start, end);
      this.#begun = '';
      start = end + 1;
      if (line.trim() !== '') this.#take(parse(line));
    }
    this.#begun += piece.slice(start);
    if (this.#begun.length > LONGEST_LINE) {
      throw new Error(`a line of the feed has more than ${LONGEST_LINE} characters`);
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`a line of the feed is no JSON: ${line.slice(0, 100)}`);
  }
}
