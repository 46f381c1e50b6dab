/** What a person sees after all that was written to a terminal: enough of a VT100 for lines that are drawn over. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about.
const TOKENS = /\u001b\[\??(\d*)([A-Za-z])|\n|[^\u001b\n]+/g;

class Terminal {
  readonly #rows: string[] = [''];
  #row = 0;
  #column = 0;

  get text(): string {
    return this.#rows
      .map((row) => row.trimEnd())
      .join('\n')
      .trimEnd();
  }

  print(text: string): void {
    const before = this.#here.padEnd(this.#column);
    this.#rows[this.#row] = before.slice(0, this.#column) + text + before.slice(this.#column + text.length);
    this.#column += text.length;
  }

  newLine(): void {
    this.#row += 1;
    this.#column = 0;
    this.#rows[this.#row] ??= '';
  }

  /** Up, down, to a column, erase, colours and modes. */
  obey(letter: string, argument: string): void {
    if (letter === 'A') this.#row = Math.max(0, this.#row - Number(argument || 1));
    else if (letter === 'B') this.#row += Number(argument || 1);
    else if (letter === 'G') this.#column = Number(argument || 1) - 1;
    else if (letter === 'K') this.#rows[this.#row] = argument === '2' ? '' : this.#here.slice(0, this.#column);
    else if (!'mhl'.includes(letter)) throw new Error(`Expected a sequence this terminal knows, got ${argument}${letter}`);
  }

  get #here(): string {
    return this.#rows[this.#row] ?? '';
  }
}

/** The rows on the screen, without trailing blanks. */
export function screenOf(written: string): string {
  const terminal = new Terminal();
  for (const [token, argument = '', letter] of written.matchAll(TOKENS)) {
    if (letter !== undefined) terminal.obey(letter, argument);
    else if (token === '\n') terminal.newLine();
    else terminal.print(token);
  }
  return terminal.text;
}
