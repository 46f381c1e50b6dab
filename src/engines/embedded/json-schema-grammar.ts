/**
 * JSON schema to a GBNF grammar under which a model can only write JSON that fits the schema.
 * What a grammar can't say is refused by name: an answer that only seems to fit would be worse than none.
 * Objects are closed even where the schema leaves them open: what is written then fits all the same.
 */
import { type Fields, isFields } from './fields.ts';
import { GRAMMAR_BASICS, type GrammarBasic, toLiteral } from './grammar-basics.ts';
import { Refusal } from './refusal.ts';

/** Makes the grammar; throws a `Refusal` that names what it can't express. */
export function makeJsonSchemaGrammar(schema: unknown): string {
  return new SchemaGrammar(schema).toText();
}

/** Say something about a schema, not about what fits it. */
const NOTES = [
  '$comment',
  '$defs',
  '$id',
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
];
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'format'],
  integer: ['minimum', 'maximum'],
  number: [],
  boolean: [],
  null: [],
};
const FORMATS: Readonly<Record<string, string>> = { date: 'date', time: 'time', 'date-time': 'date "T" time', uuid: 'uuid' };
const MOST_REPEATS = 2_000;
const MOST_LISTED_INTEGERS = 1_000;
const MOST_RULES = 5_000;

type Keys = readonly string[];

class SchemaGrammar {
  readonly #root: unknown;
  readonly #rules = new Map<string, string>();
  readonly #references = new Map<string, string>();

  constructor(root: unknown) {
    this.#root = root;
    this.#add('root', () => this.#visit(root, []));
  }

  toText(): string {
    const basics = Object.entries(GRAMMAR_BASICS).map(([name, rule]) => `${name} ::= ${rule}`);
    return [...[...this.#rules].map(([name, rule]) => `${name} ::= ${rule}`), ...basics, ''].join('\n');
  }

  /** The expression for a schema, safe to stand beside others. */
  #visit(schema: unknown, path: Keys): string {
    if (schema === true) return basic('value');
    if (!isFields(schema)) throw cant(path, 'a schema that is no object', schema);
    if (schema['$ref'] !== undefined) return this.#reference(schema, path);
    if ('const' in schema) return this.#only(schema, path, ['const', 'type'], () => toLiteral(JSON.stringify(schema['const'])));
    if ('enum' in schema)
      return this.#only(schema, path, ['enum', 'type'], () =>
        either(list(schema, 'enum', path).map((value) => toLiteral(JSON.stringify(value)))),
      );
    if ('anyOf' in schema) return this.#only(schema, path, ['anyOf'], () => either(this.#visitAll(schema, 'anyOf', path)));
    if ('allOf' in schema) return this.#only(schema, path, ['allOf'], () => this.#wrapped(schema, path));
    return this.#typed(schema, path);
  }

  #visitAll(schema: Fields, keyword: string, path: Keys): string[] {
    return list(schema, keyword, path).map((part, index) => this.#visit(part, [...path, keyword, String(index)]));
  }

  /** Generators of schemas wrap a lone reference in `allOf` to hang a description on it. */
  #wrapped(schema: Fields, path: Keys): string {
    const [first, ...others] = this.#visitAll(schema, 'allOf', path);
    if (first === undefined || others.length > 0) throw cant(path, 'allOf', schema['allOf']);
    return first;
  }

  #only(schema: Fields, path: Keys, keywords: Keys, make: () => string): string {
    refuseOtherKeywords(schema, keywords, path);
    return make();
  }

  #reference(schema: Fields, path: Keys): string {
    refuseOtherKeywords(schema, ['$ref'], path);
    const pointer = String(schema['$ref']);
    const known = this.#references.get(pointer);
    if (known !== undefined) return known;
    if (pointer !== '#' && !pointer.startsWith('#/')) throw cant(path, '$ref', pointer);
    const name = `ref-${this.#references.size}`;
    this.#references.set(pointer, name);
    this.#add(name, () => this.#visit(this.#resolve(pointer, path), [pointer]));
    return name;
  }

  #resolve(pointer: string, path: Keys): unknown {
    const keys = pointer
      .split('/')
      .slice(1)
      .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'));
    const found = keys.reduce<unknown>((at, key) => (isFields(at) ? at[key] : undefined), this.#root);
    if (found === undefined) throw cant(path, '$ref', pointer);
    return found;
  }

  #typed(schema: Fields, path: Keys): string {
    const type = schema['type'] ?? guessType(schema);
    if (type === undefined) {
      refuseOtherKeywords(schema, [], path);
      return basic('value');
    }
    const types = Array.isArray(type) ? type : [type];
    const known = types.every((name): name is string => typeof name === 'string' && name in KEYWORDS);
    if (!known) throw cant(path, 'type', type);
    refuseOtherKeywords(schema, ['type', ...types.flatMap((name) => KEYWORDS[name] ?? [])], path);
    return either(types.map((name) => this.#ofType(name, schema, path)));
  }

  #ofType(type: string, schema: Fields, path: Keys): string {
    if (type === 'object') return this.#object(schema, path);
    if (type === 'array') return this.#array(schema, path);
    if (type === 'string') return toStringRule(schema, path);
    if (type === 'integer') return toIntegerRule(schema, path);
    return basic(type as GrammarBasic);
  }

  #object(schema: Fields, path: Keys): string {
    const properties = schema['properties'] ?? {};
    if (!isFields(properties)) throw cant(path, 'properties', properties);
    const required = list(schema, 'required', path).map(String);
    const names = [...new Set([...Object.keys(properties), ...required])];
    if (names.length === 0) return this.#map(schema['additionalProperties'], path);
    const members = names.map((name) => ({
      text: `${toLiteral(JSON.stringify(name))} ":" space ${this.#visit(properties[name] ?? true, [...path, 'properties', name])}`,
      required: required.includes(name),
    }));
    return this.#closed(members);
  }

  /** Keys that nobody named: any, none, or with values of one kind. */
  #map(additional: unknown, path: Keys): string {
    if (additional === false || additional === undefined) return '"{" space "}"';
    const member = `string ":" space ${this.#visit(additional, [...path, 'additionalProperties'])}`;
    return `"{" space (${member} ("," space ${member})* space)? "}"`;
  }

  /** Members in the order of the schema; the optional ones may be left out. */
  #closed(members: readonly Member[]): string {
    const tails = this.#tails(members);
    const mayBegin = members.findIndex(({ required }) => required);
    const beginners = mayBegin === -1 ? members : members.slice(0, mayBegin + 1);
    const inside = either(beginners.map(({ text }, index) => `${text} ${tails[index + 1] ?? ''}`));
    return mayBegin === -1 ? `"{" space (${inside} space)? "}"` : `"{" space ${inside} space "}"`;
  }

  /** For every place the name of the rule for what may follow from there on, each with its comma. */
  #tails(members: readonly Member[]): string[] {
    const tails: string[] = [];
    for (const [index, { text, required }] of [...members.entries()].toReversed()) {
      if (index === 0) break;
      const rule = `("," space ${text})${required ? '' : '?'} ${tails[index + 1] ?? ''}`;
      tails[index] = this.#add(`tail-${this.#rules.size}`, () => rule);
    }
    return tails;
  }

  #array(schema: Fields, path: Keys): string {
    const item = this.#visit(schema['items'] ?? true, [...path, 'items']);
    const [least, most] = [readCount(schema, 'minItems', path) ?? 0, readCount(schema, 'maxItems', path)];
    if (most === 0) return '"[" space "]"';
    const more = `("," space ${item})${repeat(Math.max(0, least - 1), most === undefined ? undefined : most - 1)}`;
    return least > 0 ? `"[" space ${item} ${more} space "]"` : `"[" space (${item} ${more} space)? "]"`;
  }

  #add(name: string, make: () => string): string {
    // The name is taken before the rule is made: a schema may refer to itself.
    this.#rules.set(name, '');
    this.#rules.set(name, make());
    if (this.#rules.size > MOST_RULES)
      throw new Refusal(`The JSON schema is too large: it takes more than ${MOST_RULES} grammar rules.`, {
        param: 'response_format',
      });
    return name;
  }
}

interface Member {
  readonly text: string;
  readonly required: boolean;
}

function toStringRule(schema: Fields, path: Keys): string {
  const [least, most] = [readCount(schema, 'minLength', path), readCount(schema, 'maxLength', path)];
  const format = schema['format'];
  if (format === undefined)
    return least === undefined && most === undefined ? basic('string') : `"\\"" char${repeat(least ?? 0, most)} "\\""`;
  const rule = typeof format === 'string' ? FORMATS[format] : undefined;
  if (rule === undefined) throw cant(path, 'format', format);
  if (least !== undefined || most !== undefined) throw cant(path, 'format together with a length', format);
  return `"\\"" ${rule} "\\""`;
}

/** Any integer, none below zero, or one of a short range. */
function toIntegerRule({ minimum, maximum }: Fields, path: Keys): string {
  if (minimum === undefined && maximum === undefined) return basic('integer');
  if (minimum === 0 && maximum === undefined) return `(${basic('natural')})`;
  if (!Number.isInteger(minimum)) throw cant(path, 'maximum', maximum);
  const count = Number(maximum) - Number(minimum) + 1;
  if (!Number.isInteger(count) || count > MOST_LISTED_INTEGERS || count < 1) throw cant(path, 'minimum', minimum);
  return either(Array.from({ length: count }, (_, index) => `"${Number(minimum) + index}"`));
}

const basic = (name: GrammarBasic): string => name;

const either = (parts: readonly string[]): string => (parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' | ')})`);

const repeat = (least: number, most: number | undefined): string =>
  most === undefined ? `{${least},}` : `{${least},${Math.max(least, most)}}`;

function readCount(schema: Fields, keyword: string, path: Keys): number | undefined {
  const count = schema[keyword];
  if (count === undefined) return undefined;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MOST_REPEATS) return count;
  throw cant(path, keyword, count);
}

function list(schema: Fields, keyword: string, path: Keys): readonly unknown[] {
  const value = schema[keyword] ?? [];
  if (!Array.isArray(value) || (value.length === 0 && keyword !== 'required')) throw cant(path, keyword, value);
  return value;
}

/** Schemas written by hand often leave the type to be guessed from the keywords. */
const guessType = (schema: Fields): string | undefined =>
  Object.keys(KEYWORDS).find((type) => KEYWORDS[type]?.some((keyword) => schema[keyword] !== undefined));

function refuseOtherKeywords(schema: Fields, known: Keys, path: Keys): void {
  const keyword = Object.keys(schema).find((key) => !known.includes(key) && !NOTES.includes(key));
  if (keyword !== undefined) throw cant(path, keyword, schema[keyword]);
}

function cant(path: Keys, keyword: string, value: unknown): Refusal {
  const where = path.length === 0 ? 'its root' : path.join('/');
  const message = `The JSON schema uses '${keyword}' (${JSON.stringify(value)?.slice(0, 80)}) at ${where}, which can't be held while an answer is generated. Leave it out, or check it afterwards.`;
  return new Refusal(message, { param: 'response_format', code: 'unsupported_json_schema' });
}
