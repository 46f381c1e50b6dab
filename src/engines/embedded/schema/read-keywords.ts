/** Reads the keywords of a JSON schema, and refuses by name and place what no grammar holds. */
import { type Fields, isFields } from '../fields.ts';
import { Refusal } from '../refusal.ts';

/** Where in a schema something stands: the keys on the way there. */
export type Path = readonly string[];

const MOST_REPEATS = 2_000;
/** Say something about a schema, not about what fits it. */
const NOTES: ReadonlySet<string> = new Set([
  '$comment',
  '$defs',
  '$schema',
  'default',
  'definitions',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'strict',
  'title',
  'writeOnly',
]);
const SHOWN = 80;

/** Refuses every keyword that is neither known nor a mere note. */
export function refuseOtherKeywords(schema: Fields, known: readonly string[], path: Path): void {
  const isKnown = (key: string): boolean => known.includes(key) || NOTES.has(key) || (key === '$id' && path.length === 0);
  const keyword = Object.keys(schema).find((key) => !isKnown(key));
  if (keyword !== undefined) throw cant(path, keyword, schema[keyword]);
}

/** A count that a grammar can repeat; undefined when absent. */
function readCount(schema: Fields, keyword: string, path: Path): number | undefined {
  const count = schema[keyword];
  if (count === undefined) return undefined;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MOST_REPEATS) return count;
  throw cant(path, keyword, count);
}

/** Two counts of which the first must not exceed the second. */
export function readCounts(schema: Fields, [least, most]: readonly [string, string], path: Path): Counts {
  const counts = { least: readCount(schema, least, path), most: readCount(schema, most, path) };
  if (counts.least !== undefined && counts.most !== undefined && counts.least > counts.most)
    throw contradiction(path, least, `it is ${counts.least}, and ${most} is ${counts.most}`);
  return counts;
}

export interface Counts {
  readonly least: number | undefined;
  readonly most: number | undefined;
}

/** A list with something in it. */
export function readList(schema: Fields, keyword: string, path: Path): readonly unknown[] {
  const value = schema[keyword];
  if (Array.isArray(value) && value.length > 0) return value;
  throw cant(path, keyword, value);
}

/** Names, each once; none when absent. */
export function readNames(schema: Fields, keyword: string, path: Path): readonly string[] {
  const value = schema[keyword];
  if (value === undefined) return [];
  const names = Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
  if (Array.isArray(value) && new Set(names).size === value.length) return names;
  throw cant(path, keyword, value);
}

/** Schemas by name; none when absent. */
export function readSchemas(schema: Fields, keyword: string, path: Path): Fields {
  const value = schema[keyword];
  if (value === undefined) return {};
  if (isFields(value)) return value;
  throw cant(path, keyword, value);
}

/** The refusal of a keyword that can't be held while an answer is drawn. */
export const cant = (path: Path, keyword: string, value: unknown): Refusal =>
  refuse(
    `The JSON schema uses '${keyword}' (${JSON.stringify(value)?.slice(0, SHOWN)}) at ${toPlace(path)}, which can't be held while an answer is generated. Leave it out, or check it afterwards.`,
  );

/** The refusal of a schema that nothing fits. */
export const contradiction = (path: Path, keyword: string, why: string): Refusal =>
  refuse(`Nothing fits the JSON schema's '${keyword}' at ${toPlace(path)}: ${why}.`);

/** The refusal of a schema as a whole. */
export const refuse = (message: string): Refusal =>
  new Refusal(message, { param: 'response_format', code: 'unsupported_json_schema' });

const toPlace = (path: Path): string => (path.length === 0 ? 'its root' : path.join('/').slice(0, 3 * SHOWN));
