/** A list's filter, its words turned into the columns and values that they mean. */
import { Problem } from '../base/problem.ts';
import { type Comparison, type Filter, type FilterWord, parseFilter } from '../contract/filter.ts';
import { camelCase } from '../contract/json.ts';
import { isOwnAccountAlias } from '../contract/names.ts';
import type { Where } from '../db/queries/page.ts';

/** What a field's values are. A `name` is a resource of the caller's account, in full or by its id. */
export type FieldKind =
  | 'text'
  | 'time'
  | 'number'
  | 'name'
  /** Every name on the wire with what is stored for it; undefined where nothing ever is. Names count without their prefix, too. */
  | { readonly prefix: string; readonly stored: Readonly<Record<string, string | undefined>> };

/** The kind of what is true or false. */
export const TRUTH: FieldKind = { prefix: '', stored: { true: 'true', false: 'false' } };

/** A list's fields that can be filtered by. */
export interface FilterFields<Column extends string> {
  readonly accountId: string;
  readonly columns: Readonly<Record<string, Column>>;
  /** Where the kind doesn't follow from the field's name: `name` is a name, `…Time` a time, the rest text. */
  readonly kinds?: Readonly<Record<string, FieldKind>> | undefined;
}

/** Reads a filter; INVALID_ARGUMENT with the place where it can't be read. */
export function readFilter<Column extends string>(text: string, fields: FilterFields<Column>): Where<Column> {
  const toWhere = (filter: Filter): Where<Column> => {
    if (filter.kind === 'not') return { not: toWhere(filter.term) };
    if (filter.kind === 'all') return { all: filter.terms.map(toWhere) };
    if (filter.kind === 'any') return { any: filter.terms.map(toWhere) };
    return compare(filter, { ...fields, text });
  };
  return toWhere(parseOrRefuse(text));
}

/** The filter, or INVALID_ARGUMENT with the place where it can't be read. */
export function parseOrRefuse(text: string): Filter {
  const parsed = parseFilter(text);
  if (parsed.ok) return parsed.filter;
  throw unreadable(text, parsed.at, `expected ${parsed.expected}`);
}

type Reading<Column extends string> = FilterFields<Column> & { readonly text: string };

function compare<Column extends string>(comparison: Comparison, reading: Reading<Column>): Where<Column> {
  const { field, operator, value } = comparison;
  const name = field.text.split('.').map(camelCase).join('.');
  const column = Object.hasOwn(reading.columns, name) ? reading.columns[name] : undefined;
  if (column === undefined) {
    const known = Object.keys(reading.columns).join(', ');
    throw unreadable(reading.text, field.at, `"${shown(field)}" is no field to filter by; there are ${known}`);
  }
  if (operator === ':' && value.text === '*') return { column, operator: 'is set' };
  const kind = reading.kinds?.[name] ?? kindOf(name);
  if (kind === 'time') return { column, operator: exact(operator), value: readTime(value, reading.text) };
  if (kind === 'number') return { column, operator: exact(operator), value: readNumber(value, reading.text) };
  if (kind === 'name') return compareName(column, comparison, reading);
  if (kind === 'text') return compareText(column, operator, value.text);
  return compareEnum(column, comparison, { kind, text: reading.text });
}

const kindOf = (name: string): FieldKind => {
  if (name === 'name') return 'name';
  return name.endsWith('Time') ? 'time' : 'text';
};

/** Of one value, "has" means "is". */
const exact = (operator: Comparison['operator']) => (operator === ':' ? '=' : operator);

function compareText<Column extends string>(column: Column, operator: Comparison['operator'], value: string): Where<Column> {
  if (operator === ':') return { column, operator: 'contains', value };
  const isPattern = value.includes('*') && (operator === '=' || operator === '!=');
  if (!isPattern) return { column, operator, value };
  const matches: Where<Column> = { column, operator: 'matches', value };
  return operator === '=' ? matches : { not: matches };
}

/** `accounts/acme/datasets/in` is compared as `in`; a name of another account as what is never there. */
function compareName<Column extends string>(
  column: Column,
  { operator, value }: Comparison,
  { accountId }: Reading<Column>,
): Where<Column> {
  const parts = value.text.split('/');
  const account = parts.length > 2 && parts[0] === 'accounts' ? parts[1] : undefined;
  if (account === undefined || account === accountId || isOwnAccountAlias(account))
    return compareText(column, operator, parts.at(-1) ?? '');
  return operator === '!=' ? { all: [] } : { any: [] };
}

function compareEnum<Column extends string>(
  column: Column,
  { operator, value }: Comparison,
  { kind, text }: { readonly kind: Exclude<FieldKind, string>; readonly text: string },
): Where<Column> {
  const { prefix, stored } = kind;
  const name = value.text.startsWith(prefix) ? value.text : `${prefix}${value.text}`;
  if (!Object.hasOwn(stored, name))
    throw unreadable(text, value.at, `"${shown(value)}" is none of ${Object.keys(stored).join(', ')}`);
  if (operator !== '=' && operator !== '!=' && operator !== ':')
    throw unreadable(text, value.at, `such a value has no order: compare it with = or !=`);
  const found = stored[name];
  const is: Where<Column> = found === undefined ? { any: [] } : { column, operator: '=', value: found };
  return operator === '!=' ? { not: is } : is;
}

/** RFC 3339, or a day alone, which means its first moment. */
const TIME = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** What both JavaScript and the database write with four digits of year, in whatever time zone. */
const EARLIEST = new Date('0001-01-02T00:00:00Z');
const LATEST = new Date('9999-12-30T23:59:59Z');

function readTime(value: FilterWord, text: string): Date {
  const time = new Date(TIME.test(value.text) ? value.text : Number.NaN);
  if (time >= EARLIEST && time <= LATEST) return time;
  throw unreadable(text, value.at, `expected a time such as "2026-01-05T02:00:00Z", got "${shown(value)}"`);
}

function readNumber(value: FilterWord, text: string): number {
  const number = /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (!Number.isNaN(number)) return number;
  throw unreadable(text, value.at, `expected a whole number, got "${shown(value)}"`);
}

const shown = ({ text }: FilterWord): string => (text.length > 50 ? `${text.slice(0, 50).toWellFormed()}…` : text);

const unreadable = (text: string, at: number, why: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `filter can't be read at character ${at}: ${why}. It begins there with "${text.slice(at - 1, at + 29).toWellFormed()}".`,
    {
      reason: 'INVALID_FILTER',
      details: { field: 'filter', at },
    },
  );
