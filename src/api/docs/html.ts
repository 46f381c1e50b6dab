/** HTML as values: what comes from outside is escaped, what was made here is not escaped again. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in a template. */
type Piece = Html | string | number | undefined | readonly Piece[];

/** Makes HTML from a template: strings in it are escaped, lists joined, undefined left out. */
export const html = (texts: TemplateStringsArray, ...pieces: readonly Piece[]): Html =>
  new Html(texts.map((text, index) => text + toText(pieces[index])).join(''));

const toText = (piece: Piece): string => {
  if (piece === undefined) return '';
  if (piece instanceof Html) return piece.text;
  return isList(piece) ? piece.map(toText).join('') : escaped(String(piece));
};

const isList = (piece: Piece): piece is readonly Piece[] => Array.isArray(piece);

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? letter);

/** A sentence of a description: `code` in backticks is shown as code. */
export const prose = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
