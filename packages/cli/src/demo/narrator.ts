import type { TextSink } from '../client/run.ts';

const CODES = { bold: '1', dim: '2', red: '31', green: '32', cyan: '36' } as const;

/** Tells what the demo does: a line a step with its outcome and time, commands and what they print. */
export class Narrator {
  readonly #out: TextSink;
  readonly #colours: boolean;
  #failures = 0;
  #isSilent = false;

  constructor(out: TextSink, colours: boolean) {
    this.#out = { write: (text) => this.#isSilent || out.write(text) };
    this.#colours = colours;
  }

  /** Says nothing more: what is under way ends without an audience. */
  silence(): void {
    this.#isSilent = true;
  }

  /** How many steps did not hold. */
  get failures(): number {
    return this.#failures;
  }

  paint(text: string, ...styles: (keyof typeof CODES)[]): string {
    return this.#colours ? `\x1b[${styles.map((style) => CODES[style]).join(';')}m${text}\x1b[0m` : text;
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  title(text: string): void {
    this.line(`\n${this.paint(text, 'bold')}`);
  }

  /** A command as one would type it. */
  command(text: string): void {
    this.line(`\n  ${this.paint('$', 'cyan')} ${text}`);
  }

  /** What a command printed, indented; long outputs are shown whole. */
  output(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.line(`  ${line}`);
  }

  /** Does one step; shows it under way on a terminal, then its outcome. A step that throws fails, and ends the demo. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    if (this.#colours) this.#out.write(`  ${this.paint('…', 'dim')} ${what}`);
    const clear = this.#colours ? '\r\x1b[2K' : '';
    try {
      const result = await work();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      this.#out.write(`${clear}  ${this.paint('✓', 'green')} ${what} ${this.paint(`${seconds} s`, 'dim')}\n`);
      return result;
    } catch (error) {
      this.#failures++;
      this.#out.write(`${clear}  ${this.paint('✗', 'red')} ${what}\n`);
      throw error;
    }
  }

  /** States whether something that must hold does; the demo goes on, and its exit code tells. */
  check(what: string, holds: boolean, instead = ''): void {
    if (!holds) this.#failures++;
    const mark = holds ? this.paint('✓', 'green') : this.paint('✗', 'red');
    this.line(`  ${mark} ${what}${holds || instead === '' ? '' : `: ${instead}`}`);
  }
}
