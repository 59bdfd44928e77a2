import { badCompute } from './errors.ts';

/**
 * Regular expressions from a query string. JavaScript's own backtrack, so that a few hostile characters could hold up
 * the whole process; these run in time proportional to pattern times text (a simulated automaton, after Thompson).
 * Understood: literals, `.`, classes, `\d \w \s` and their opposites, `^ $`, groups, `|`, `* + ? {m,n}`.
 */
type Instruction =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'split'; readonly to: readonly [number, number] }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

type Accepts = (character: string) => boolean;
type Node =
  | { readonly kind: 'character'; readonly accepts: Accepts }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number };

const LONGEST_PATTERN = 255;
const MOST_INSTRUCTIONS = 2000;
/** Steps that one pattern may take over all texts: some 100 ms, which is what others wait at most. */
const MOST_STEPS = 1_000_000;

const CLASSES: Record<string, Accepts> = {
  d: (character) => /\d/.test(character),
  D: (character) => /\D/.test(character),
  w: (character) => /\w/.test(character),
  W: (character) => /\W/.test(character),
  s: (character) => /\s/.test(character),
  S: (character) => /\S/.test(character),
};
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };

/**
 * A test for texts that contain what the pattern describes. Throws 400 of a pattern that is not understood; the test
 * throws 400 once all the texts that it was given took too much work.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > LONGEST_PATTERN) throw badCompute(`A filter must not be longer than ${LONGEST_PATTERN}.`);
  const program: Instruction[] = [];
  emit(new Parser(pattern).parse(), program);
  const budget = { steps: MOST_STEPS };
  return (text) => run(program, [...text], budget);
}

class Parser {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  parse(): Node {
    const node = this.#choice(0);
    if (this.#at < this.#characters.length) throw this.#wrong('unbalanced )');
    return node;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(wanted: string): boolean {
    if (this.#peek() !== wanted) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const character = this.#peek();
    if (character === undefined) throw this.#wrong('it ends too early');
    this.#at++;
    return character;
  }

  #wrong(reason: string): Error {
    return badCompute(`Invalid regular expression in a filter: ${reason}`);
  }

  #choice(depth: number): Node {
    const branches = [this.#sequence(depth)];
    while (this.#take('|')) branches.push(this.#sequence(depth));
    return { kind: 'choice', of: branches };
  }

  #sequence(depth: number): Node {
    const of: Node[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      of.push(this.#repeated(depth));
    }
    return { kind: 'sequence', of };
  }

  #repeated(depth: number): Node {
    let node = this.#atom(depth);
    for (let bounds = this.#bounds(); bounds !== undefined; bounds = this.#bounds()) {
      node = { kind: 'repeat', of: node, min: bounds[0], max: bounds[1] };
      // How greedy it is decides which match is found first, not whether there is one.
      this.#take('?');
    }
    return node;
  }

  #bounds(): [min: number, max: number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const match = /^\{(\d{1,3})(?:(,)(\d{0,3}))?\}/.exec(this.#characters.slice(this.#at, this.#at + 9).join(''));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (max < min) throw this.#wrong('bounds out of order');
    return [min, max];
  }

  #atom(depth: number): Node {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group(depth + 1);
      case '[':
        return { kind: 'character', accepts: this.#class() };
      case '.':
        return { kind: 'character', accepts: (given) => given !== '\n' };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '*':
      case '+':
      case '?':
        throw this.#wrong('nothing to repeat');
      case '\\':
        return { kind: 'character', accepts: this.#escaped() };
      default:
        return { kind: 'character', accepts: (given) => given === character };
    }
  }

  #group(depth: number): Node {
    if (depth > 50) throw this.#wrong('too many groups in each other');
    if (this.#take('?') && !this.#take(':')) throw this.#wrong('only plain groups are understood');
    const node = this.#choice(depth);
    if (!this.#take(')')) throw this.#wrong('missing )');
    return node;
  }

  #escaped(): Accepts {
    const character = this.#next();
    const literal = this.#literalOf(character);
    return CLASSES[character] ?? ((given) => given === literal);
  }

  #literalOf(character: string): string {
    const literal = ESCAPES[character] ?? character;
    if (literal === character && /[A-Za-z0-9]/.test(character) && !Object.hasOwn(CLASSES, character)) {
      throw this.#wrong(`\\${character} is not understood`);
    }
    return literal;
  }

  #class(): Accepts {
    const negated = this.#take('^');
    const members: Accepts[] = [];
    do {
      members.push(this.#member());
    } while (!this.#take(']'));
    return (given) => members.some((accepts) => accepts(given)) !== negated;
  }

  #member(): Accepts {
    const character = this.#next();
    if (character === '\\' && Object.hasOwn(CLASSES, this.#peek() ?? '')) return CLASSES[this.#next()] as Accepts;
    const first = character === '\\' ? this.#literalOf(this.#next()) : character;
    if (this.#peek() !== '-' || (this.#characters[this.#at + 1] ?? ']') === ']') return (given) => given === first;
    this.#at++;
    const end = this.#next();
    const last = end === '\\' ? this.#literalOf(this.#next()) : end;
    if (last < first) throw this.#wrong('a range out of order');
    return (given) => given >= first && given <= last;
  }
}

function emit(node: Node, program: Instruction[]): void {
  if (program.length > MOST_INSTRUCTIONS) throw badCompute('Invalid regular expression in a filter: too large');
  switch (node.kind) {
    case 'sequence':
      for (const part of node.of) emit(part, program);
      break;
    case 'choice':
      emitChoice(node.of, program);
      break;
    case 'repeat':
      emitRepeat(node.of, node.min, node.max, program);
      break;
    default:
      program.push(node);
  }
}

function emitChoice(branches: readonly Node[], program: Instruction[]): void {
  const exits: number[] = [];
  branches.forEach((branch, index) => {
    const split = program.length;
    const isLast = index === branches.length - 1;
    if (!isLast) program.push({ kind: 'jump', to: 0 });
    emit(branch, program);
    if (isLast) return;
    exits.push(program.length);
    program.push({ kind: 'jump', to: 0 });
    program[split] = { kind: 'split', to: [split + 1, program.length] };
  });
  for (const exit of exits) program[exit] = { kind: 'jump', to: program.length };
}

function emitRepeat(node: Node, min: number, max: number, program: Instruction[]): void {
  for (let count = 0; count < min; count++) emit(node, program);
  if (max === Number.POSITIVE_INFINITY) {
    const split = program.length;
    program.push({ kind: 'jump', to: 0 });
    emit(node, program);
    program.push({ kind: 'jump', to: split });
    program[split] = { kind: 'split', to: [split + 1, program.length] };
    return;
  }
  const splits: number[] = [];
  for (let count = min; count < max; count++) {
    splits.push(program.length);
    program.push({ kind: 'jump', to: 0 });
    emit(node, program);
  }
  for (const split of splits) program[split] = { kind: 'split', to: [split + 1, program.length] };
}

/** Whether some part of the text matches: all states that the automaton may be in are followed at once. */
function run(program: readonly Instruction[], text: readonly string[], budget: { steps: number }): boolean {
  let states = new Set<number>();
  for (let position = 0; position <= text.length; position++) {
    const reached = closure(program, [...states, 0], position === 0, position === text.length);
    budget.steps -= reached.size;
    if (budget.steps < 0) throw badCompute('A regular expression in a filter takes too much work.');
    if (reached.has(program.length)) return true;
    const character = text[position];
    if (character === undefined) return false;
    states = new Set();
    for (const state of reached) {
      const instruction = program[state];
      if (instruction?.kind === 'character' && instruction.accepts(character)) states.add(state + 1);
    }
  }
  return false;
}

/** The states that can be reached without a further character. */
function closure(program: readonly Instruction[], from: number[], atStart: boolean, atEnd: boolean): Set<number> {
  const reached = new Set<number>();
  for (let state = from.pop(); state !== undefined; state = from.pop()) {
    if (reached.has(state)) continue;
    reached.add(state);
    const instruction = program[state];
    if (instruction?.kind === 'split') from.push(...instruction.to);
    else if (instruction?.kind === 'jump') from.push(instruction.to);
    else if ((instruction?.kind === 'start' && atStart) || (instruction?.kind === 'end' && atEnd)) from.push(state + 1);
  }
  return reached;
}
