/**
 * Which rows of a dataset a filter keeps. Fields are paths into the row: `custom_id`, `body.messages.0.role`. A value is a number where the row's is
 * one, `true`, `false` or `null` likewise, else a text, in which `*` stands for anything; `:` asks whether a text holds another, a list a value, or, with
 * `*`, whether the field is there at all.
 */
import type { Comparison, Filter, FilterOperator } from '../contract/filter.ts';

/** Tells whether a line is kept; one that is no JSON is not. */
export type RowFilter = (line: Buffer) => boolean;

/** Makes the test of a filter. */
export function makeRowFilter(filter: Filter): RowFilter {
  const holds = toTest(filter);
  return (line) => {
    const row = readRow(line);
    return row !== undefined && holds(row);
  };
}

type Test = (row: unknown) => boolean;

function toTest(filter: Filter): Test {
  if (filter.kind === 'comparison') return toComparison(filter);
  if (filter.kind === 'not') {
    const holds = toTest(filter.term);
    return (row) => !holds(row);
  }
  const tests = filter.terms.map(toTest);
  return filter.kind === 'all' ? (row) => tests.every((holds) => holds(row)) : (row) => tests.some((holds) => holds(row));
}

function toComparison({ field, operator, value: { text } }: Comparison): Test {
  const path = field.text.split('.');
  if (operator === ':' && text === '*') return (row) => at(row, path) !== undefined;
  if (operator === ':') return (row) => has(at(row, path), text);
  const isPattern = text.includes('*') && (operator === '=' || operator === '!=');
  return (row) => {
    const found = at(row, path);
    if (isPattern && typeof found === 'string') return matches(found, text.split('*')) === (operator === '=');
    return stands(compare(found, text), operator);
  };
}

const at = (row: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Readonly<Record<string, unknown>>)[key] // It is there: `hasOwn` has looked.
        : undefined,
    row,
  );

const has = (found: unknown, text: string): boolean =>
  Array.isArray(found)
    ? found.some((value) => compare(value, text) === 0)
    : typeof found === 'string'
      ? found.includes(text)
      : compare(found, text) === 0;

/** Below 0, 0 or above it as the row's value stands to the filter's; NaN where they can't be compared. */
function compare(found: unknown, text: string): number {
  if (typeof found === 'number') return text.trim() === '' ? Number.NaN : found - Number(text);
  if (typeof found === 'string') return found === text ? 0 : found < text ? -1 : 1;
  return found !== undefined && String(found) === text ? 0 : Number.NaN;
}

/** What can't be compared is only unequal. */
function stands(order: number, operator: FilterOperator): boolean {
  switch (operator) {
    case '=':
    case ':':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** True when the text is the pieces with anything between them. Takes no longer for many pieces, as a regular expression would. */
function matches(text: string, pieces: readonly string[]): boolean {
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return from <= text.length - last.length;
}

function readRow(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}
