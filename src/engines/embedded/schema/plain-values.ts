/** Grammars of what holds nothing else: constants, strings, integers. */
import type { Fields } from '../fields.ts';
import { isFields } from '../fields.ts';
import { toLiteral } from '../grammar-basics.ts';
import { any, type Expression } from './expression.ts';
import { cant, contradiction, type Path, readCounts } from './read-keywords.ts';

const FORMATS: ReadonlyMap<unknown, string> = new Map([
  ['date', 'date'],
  ['time', 'time'],
  ['date-time', 'date "T" time'],
  ['uuid', 'uuid'],
]);
const MOST_LISTED_INTEGERS = 1_000;

/** Those of the values that are of one of the types; all where no type is named. */
export function toOneOf(
  values: readonly unknown[],
  types: readonly string[] | undefined,
  { keyword, path }: { readonly keyword: string; readonly path: Path },
): Expression {
  const fitting = values.filter((value) => types === undefined || types.some((type) => isOfType(value, type)));
  if (fitting.length === 0) throw contradiction(path, keyword, `no value of it is of type ${types?.join(' or ')}`);
  return any(fitting.map((value) => toLiteral(toJson(value, { keyword, path }))));
}

/** A number beyond the range of doubles was read as infinity, which JSON can't say. */
const toJson = (value: unknown, { keyword, path }: { readonly keyword: string; readonly path: Path }): string =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) throw cant(path, keyword, String(part));
    return part;
  });

function isOfType(value: unknown, type: string): boolean {
  if (type === 'object') return isFields(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** Any string, one of a length, or one of a format. */
export function toStringRule(schema: Fields, path: Path): Expression {
  const { least, most } = readCounts(schema, ['minLength', 'maxLength'], path);
  const unbounded = least === undefined && most === undefined;
  if (schema['format'] === undefined)
    return unbounded ? 'string' : { all: ['"\\""', { repeated: 'char', least: least ?? 0, most }, '"\\""'] };
  const rule = FORMATS.get(schema['format']);
  if (rule === undefined) throw cant(path, 'format', schema['format']);
  if (!unbounded) throw cant(path, least === undefined ? 'maxLength' : 'minLength', least ?? most);
  return `"\\"" ${rule} "\\""`;
}

/** Any integer, none below zero or one, or one of a short range. */
export function toIntegerRule({ minimum, maximum }: Fields, path: Path): Expression {
  if (minimum === undefined && maximum === undefined) return 'integer';
  if (maximum === undefined && minimum === 0) return 'natural';
  if (maximum === undefined && minimum === 1) return 'positive';
  if (!isSafe(minimum)) throw minimum === undefined ? cant(path, 'maximum', maximum) : cant(path, 'minimum', minimum);
  if (!isSafe(maximum)) throw maximum === undefined ? cant(path, 'minimum', minimum) : cant(path, 'maximum', maximum);
  if (minimum > maximum) throw contradiction(path, 'minimum', `it is ${minimum}, and maximum is ${maximum}`);
  if (maximum - minimum >= MOST_LISTED_INTEGERS) throw cant(path, 'maximum', maximum);
  return any(Array.from({ length: maximum - minimum + 1 }, (_, index) => `"${minimum + index}"`));
}

const isSafe = (value: unknown): value is number => Number.isSafeInteger(value);
