/** Reads the fields of a request, one by one, and says plainly what is wrong with a value. */
import { Refusal } from './refusal.ts';

export type Fields = Readonly<Record<string, unknown>>;

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

/** A number within bounds; undefined when absent or null. */
export function readNumber(fields: Fields, name: string, { least, most, whole = false }: Bounds): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const fits = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (fits) return value;
  const kind = whole ? 'a whole number' : 'a number';
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw wrong(name, `${kind} ${bounds}`, value);
}

export function readBoolean(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  throw wrong(name, 'true or false', value);
}

export function readText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw wrong(name, 'a string', value);
}

export function readChoice<Choice extends string>(fields: Fields, name: string, choices: readonly Choice[]): Choice | undefined {
  const value = readText(fields, name);
  const found = choices.find((choice) => choice === value);
  if (value === undefined || found !== undefined) return found;
  throw wrong(name, `one of ${choices.join(', ')}`, value);
}

/** A field that has to be an object; undefined when absent or null. */
export function readFields(fields: Fields, name: string): Fields | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (isFields(value)) return value;
  throw wrong(name, 'an object', value);
}

/** Refuses every field that is not known. */
export function refuseOthers(fields: Fields, known: ReadonlySet<string>, where = ''): void {
  const name = Object.keys(fields).find((key) => !known.has(key));
  if (name === undefined) return;
  const field = where + name;
  throw new Refusal(`Extra inputs are not permitted, field: '${field}', value: ${shown(fields[name])}`, { param: field });
}

/** The fields that say something: null is as good as absent. */
export const withoutNulls = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** The refusal of a value. */
export const wrong = (name: string, expected: string, value: unknown): Refusal =>
  new Refusal(`'${name}' must be ${expected}, but it is ${shown(value)}.`, { param: name });

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
