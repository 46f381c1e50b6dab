/**
 * Filters of lists as https://google.aip.dev/160 writes them: `state = RUNNING AND (createTime > "2026-01-05T00:00:00Z" OR NOT displayName : night)`.
 * Terms beside each other must all hold, and OR binds closer than AND. Comparisons of a field with a value are all there is: no functions.
 */

/** What a filter asks for. */
export type Filter =
  | { readonly kind: 'all'; readonly terms: readonly Filter[] }
  | { readonly kind: 'any'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | Comparison;

/** One field against one value. */
export interface Comparison {
  readonly kind: 'comparison';
  /** As it was written: `lifecycle.endTime`, `create_time`. */
  readonly field: FilterWord;
  readonly operator: FilterOperator;
  readonly value: FilterWord;
}

/** A piece of the text. */
export interface FilterWord {
  readonly text: string;
  /** In characters, from 1. */
  readonly at: number;
}

const OPERATORS = ['<=', '>=', '!=', '<', '>', '=', ':'] as const;
/** How a field and its value may stand to each other; `:` means "has". */
export type FilterOperator = (typeof OPERATORS)[number];

/** What was read, or where reading stopped and what should have been there. */
export type ParsedFilter =
  | { readonly ok: true; readonly filter: Filter }
  | { readonly ok: false; readonly at: number; readonly expected: string };

/** Far more than a person writes. */
const MAX_CHARACTERS = 4000;
const MAX_DEPTH = 32;

/** Reads a filter; blank text asks for nothing and keeps everything. */
export const parseFilter = (text: string): ParsedFilter => {
  if (text.length > MAX_CHARACTERS) return { ok: false, at: MAX_CHARACTERS, expected: `at most ${MAX_CHARACTERS} characters` };
  if (text.trim() === '') return { ok: true, filter: { kind: 'all', terms: [] } };
  try {
    return { ok: true, filter: new FilterReader(text).read() };
  } catch (fault) {
    if (fault instanceof Unexpected) return { ok: false, at: fault.at, expected: fault.message };
    throw fault;
  }
};

/** Unwinds the reader; never leaves this file. */
class Unexpected extends Error {
  readonly at: number;

  constructor(expected: string, at: number) {
    super(expected);
    this.at = at;
  }
}

class FilterReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Filter {
    const filter = this.#expression();
    if (this.#at < this.#text.length) throw this.#unexpected('AND, OR or the end');
    return filter;
  }

  /** Sequences joined by AND. */
  #expression(): Filter {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#unexpected(`at most ${MAX_DEPTH} parentheses in each other`);
    const terms = [this.#sequence()];
    while (this.#takeWord('AND')) terms.push(this.#sequence());
    this.#depth -= 1;
    return join('all', terms);
  }

  /** Factors beside each other. */
  #sequence(): Filter {
    const factors = [this.#factor()];
    while (this.#hasFactor()) factors.push(this.#factor());
    return join('all', factors);
  }

  /** Terms joined by OR. */
  #factor(): Filter {
    const terms = [this.#term()];
    while (this.#takeWord('OR')) terms.push(this.#term());
    return join('any', terms);
  }

  #term(): Filter {
    if (this.#takeWord('NOT') || this.#take('-')) return { kind: 'not', term: this.#simple() };
    return this.#simple();
  }

  #simple(): Filter {
    if (!this.#take('(')) return this.#comparison();
    const inner = this.#expression();
    if (!this.#take(')')) throw this.#unexpected('")"');
    return inner;
  }

  #comparison(): Comparison {
    const field = this.#word(/[\w.]+/y, 'a field');
    const operator = OPERATORS.find((candidate) => this.#take(candidate));
    if (operator === undefined) throw this.#unexpected('one of = != < <= > >= :');
    return { kind: 'comparison', field, operator, value: this.#value() };
  }

  #value(): FilterWord {
    this.#skipSpace();
    const quote = this.#text[this.#at];
    return quote === '"' || quote === "'" ? this.#quoted(quote) : this.#word(/[^\s()"',<>=!]+/y, 'a value');
  }

  /** A backslash takes the character after it as it is. */
  #quoted(quote: string): FilterWord {
    const at = this.#at + 1;
    let text = '';
    for (let end = at; end < this.#text.length; end += 1) {
      if (this.#text[end] === quote) {
        this.#at = end + 1;
        return { text, at };
      }
      if (this.#text[end] === '\\') end += 1;
      text += this.#text[end] ?? '';
    }
    throw new Unexpected(`the ${quote} that ends the text`, this.#text.length + 1);
  }

  #hasFactor(): boolean {
    this.#skipSpace();
    return this.#at < this.#text.length && this.#text[this.#at] !== ')' && !this.#sees('AND') && !this.#sees('OR');
  }

  #word(pattern: RegExp, expected: string): FilterWord {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#text) ?? [];
    if (text === undefined) throw this.#unexpected(expected);
    const at = this.#at + 1;
    this.#at += text.length;
    return { text, at };
  }

  #takeWord(word: string): boolean {
    this.#skipSpace();
    const sees = this.#sees(word);
    if (sees) this.#at += word.length;
    return sees;
  }

  /** True when this very word comes next, not one that begins with it. */
  #sees(word: string): boolean {
    return this.#text.startsWith(word, this.#at) && !/[\w.]/.test(this.#text[this.#at + word.length] ?? '');
  }

  #take(text: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #unexpected(expected: string): Unexpected {
    this.#skipSpace();
    return new Unexpected(expected, this.#at + 1);
  }
}

const join = (kind: 'all' | 'any', terms: readonly Filter[]): Filter => {
  const [only] = terms;
  return terms.length === 1 && only !== undefined ? only : { kind, terms };
};
