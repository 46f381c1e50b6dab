/** The rules that every JSON grammar may refer to, in GBNF. None of them ends in space: containers put it between their parts. */
const DAY_28 = '("0" [1-9] | "1" [0-9] | "2" [0-8])';

export const GRAMMAR_BASICS = {
  /** Bounded, or a model may write space for ever. */
  space: String.raw`(" " | "\n" [ \t]{0,20})?`,
  string: String.raw`"\"" char* "\""`,
  /** One code point, no half of a surrogate pair: lengths count code points. */
  char: String.raw`[^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt/] | "u" ([0-9a-cA-CefEF] hex | [dD] [0-7]) hex hex)`,
  hex: '[0-9a-fA-F]',
  integer: '"-"? natural',
  natural: '"0" | positive',
  positive: '[1-9] [0-9]{0,15}',
  number: 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
  boolean: '"true" | "false"',
  null: '"null"',
  value: 'object | array | string | number | boolean | null',
  object: '"{" space (member ("," space member)* space)? "}"',
  member: 'string ":" space value',
  array: '"[" space (value ("," space value)* space)? "]"',
  date: `[0-9]{4} "-" (("0" [13578] | "10" | "12") "-" (${DAY_28} | "29" | "3" [01]) | ("0" [469] | "11") "-" (${DAY_28} | "29" | "30") | "02-" ${DAY_28})`,
  time: 'clock ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] clock)',
  clock: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]',
  uuid: 'hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}',
} as const;

/** A text as GBNF literal. */
export const toLiteral = (text: string): string =>
  `"${text.replace(/[\\"\n\r\t]/g, (character) => LITERAL_ESCAPES[character] ?? character)}"`;

const LITERAL_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
