/**
 * JSON schema to a GBNF grammar under which a model can only write JSON that fits the schema.
 * What a grammar can't say is refused by name: an answer that only seems to fit would be worse than none.
 * Objects are closed even where the schema leaves them open: what is written then fits all the same.
 */
import { type Fields, isFields } from './fields.ts';
import { toLiteral } from './grammar-basics.ts';
import { all, any, type Expression, optional } from './schema/expression.ts';
import { toIntegerRule, toOneOf, toStringRule } from './schema/plain-values.ts';
import {
  cant,
  contradiction,
  type Path,
  readCounts,
  readList,
  readNames,
  readSchemas,
  refuse,
  refuseOtherKeywords,
} from './schema/read-keywords.ts';
import { resolveReference } from './schema/resolve-reference.ts';
import { Rules } from './schema/rules.ts';

/** Makes the grammar; throws a `Refusal` that names what it can't express. */
export function makeJsonSchemaGrammar(schema: unknown): string {
  return new SchemaGrammar(schema).toText();
}

const KEYWORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['object', ['properties', 'required', 'additionalProperties']],
  ['array', ['items', 'minItems', 'maxItems']],
  ['string', ['minLength', 'maxLength', 'format']],
  ['integer', ['minimum', 'maximum']],
  ['number', []],
  ['boolean', []],
  ['null', []],
]);
const MOST_DEPTH = 128;

interface Member {
  readonly text: Expression;
  readonly required: boolean;
}

class SchemaGrammar {
  readonly #root: unknown;
  readonly #rules = new Rules();
  readonly #references = new Map<string, Expression>();

  constructor(root: unknown) {
    this.#root = root;
  }

  toText(): string {
    return this.#rules.toText(() => this.#visit(this.#root, []));
  }

  #visit(schema: unknown, path: Path): Expression {
    if (path.length > MOST_DEPTH) throw refuse('The JSON schema is nested too deeply.');
    if (schema === true) return 'value';
    if (!isFields(schema)) throw cant(path, 'a schema that is no object', schema);
    if ('$ref' in schema) return this.#reference(schema, path);
    if ('const' in schema || 'enum' in schema) return this.#constant(schema, path);
    if ('anyOf' in schema) {
      refuseOtherKeywords(schema, ['anyOf'], path);
      return any(this.#visitAll(schema, 'anyOf', path));
    }
    if ('allOf' in schema) return this.#wrapped(schema, path);
    return this.#typed(schema, path);
  }

  #visitAll(schema: Fields, keyword: string, path: Path): readonly Expression[] {
    return readList(schema, keyword, path).map((part, index) => this.#visit(part, [...path, keyword, String(index)]));
  }

  /** Generators of schemas wrap a lone reference in `allOf` to hang a description on it. */
  #wrapped(schema: Fields, path: Path): Expression {
    refuseOtherKeywords(schema, ['allOf'], path);
    const [first, ...others] = this.#visitAll(schema, 'allOf', path);
    if (first === undefined || others.length > 0) throw cant(path, 'allOf', schema['allOf']);
    return first;
  }

  #constant(schema: Fields, path: Path): Expression {
    const keyword = 'const' in schema ? 'const' : 'enum';
    refuseOtherKeywords(schema, [keyword, 'type'], path);
    const values = keyword === 'const' ? [schema['const']] : readList(schema, 'enum', path);
    return toOneOf(values, readTypes(schema, path), { keyword, path });
  }

  /** What is referred to has one rule, however often. */
  #reference(schema: Fields, path: Path): Expression {
    refuseOtherKeywords(schema, ['$ref'], path);
    const target = resolveReference(this.#root, schema['$ref'], path);
    const pointer = String(schema['$ref']);
    const known = this.#references.get(pointer) ?? this.#rules.name(() => this.#visit(target, pointer === '#' ? [] : [pointer]));
    this.#references.set(pointer, known);
    return known;
  }

  #typed(schema: Fields, path: Path): Expression {
    const types = readTypes(schema, path) ?? guessTypes(schema);
    if (types === undefined) {
      refuseOtherKeywords(schema, [], path);
      return 'value';
    }
    // Every integer is a number, but a bound of integers is none that the grammar holds numbers to.
    const apart = types.includes('number') ? types.filter((type) => type !== 'integer') : types;
    refuseOtherKeywords(schema, ['type', ...apart.flatMap((type) => KEYWORDS.get(type) ?? [])], path);
    return any(apart.map((type) => this.#ofType(type, schema, path)));
  }

  #ofType(type: string, schema: Fields, path: Path): Expression {
    if (type === 'object') return this.#rules.add(this.#object(schema, path));
    if (type === 'array') return this.#rules.add(this.#array(schema, path));
    if (type === 'string') return toStringRule(schema, path);
    if (type === 'integer') return toIntegerRule(schema, path);
    return type;
  }

  #object(schema: Fields, path: Path): Expression {
    const properties = readSchemas(schema, 'properties', path);
    const required = readNames(schema, 'required', path);
    const names = [...new Set([...Object.keys(properties), ...required])];
    if (names.length === 0) return this.#map(schema, path);
    const { additionalProperties } = schema;
    // Nothing is written by it, but what can't be read is refused wherever it stands.
    if (additionalProperties !== undefined && typeof additionalProperties !== 'boolean')
      this.#visit(additionalProperties, [...path, 'additionalProperties']);
    return this.#closed(
      names.map((name) => ({
        text: all(`${toLiteral(JSON.stringify(name))} ":" space`, this.#property(schema, name, path)),
        required: required.includes(name),
      })),
    );
  }

  /** A name that is required without being described is an additional one. */
  #property(schema: Fields, name: string, path: Path): Expression {
    const properties = readSchemas(schema, 'properties', path);
    if (Object.hasOwn(properties, name)) return this.#visit(properties[name], [...path, 'properties', name]);
    const { additionalProperties = true } = schema;
    if (additionalProperties !== false) return this.#visit(additionalProperties, [...path, 'additionalProperties']);
    throw contradiction(path, 'required', `'${name}' is not in properties, and additionalProperties is false`);
  }

  /** Keys that nobody named: any, none, or with values of one kind. */
  #map({ additionalProperties = false }: Fields, path: Path): Expression {
    if (additionalProperties === false) return '"{" space "}"';
    const value = this.#visit(additionalProperties, [...path, 'additionalProperties']);
    const member = all('string ":" space', value);
    const more: Expression = { repeated: all('"," space', member), least: 0 };
    return all('"{" space', optional(all(member, more, 'space')), '"}"');
  }

  /** Members in the order of the schema; the optional ones may be left out. */
  #closed(members: readonly Member[]): Expression {
    const tails = this.#tails(members);
    const mayBegin = members.findIndex(({ required }) => required);
    const beginners = mayBegin === -1 ? members : members.slice(0, mayBegin + 1);
    const inside = any(beginners.map(({ text }, index) => all(text, tails[index + 1] ?? '""')));
    return mayBegin === -1 ? all('"{" space', optional(all(inside, 'space')), '"}"') : all('"{" space', inside, 'space "}"');
  }

  /** For every place the rule for what may follow from there on, each member with its comma. */
  #tails(members: readonly Member[]): readonly Expression[] {
    const tails: Expression[] = [];
    for (const [index, { text, required }] of [...members.entries()].toReversed()) {
      if (index === 0) break;
      const member = all('"," space', text);
      tails[index] = this.#rules.add(all(required ? member : optional(member), tails[index + 1] ?? '""'));
    }
    return tails;
  }

  #array(schema: Fields, path: Path): Expression {
    const { least = 0, most } = readCounts(schema, ['minItems', 'maxItems'], path);
    const { items = true } = schema;
    const item = this.#visit(items, [...path, 'items']);
    if (most === 0) return '"[" space "]"';
    const more: Expression = {
      repeated: all('"," space', item),
      least: Math.max(0, least - 1),
      most: most === undefined ? undefined : most - 1,
    };
    return least > 0 ? all('"[" space', item, more, 'space "]"') : all('"[" space', optional(all(item, more, 'space')), '"]"');
  }
}

/** The types that a schema names; undefined when it names none. */
function readTypes(schema: Fields, path: Path): readonly string[] | undefined {
  const { type } = schema;
  if (type === undefined) return undefined;
  const types = readNames({ type: Array.isArray(type) ? type : [type] }, 'type', path);
  if (types.length > 0 && types.every((name) => KEYWORDS.has(name))) return types;
  throw cant(path, 'type', type);
}

/** Schemas written by hand often leave the type to be guessed from the keywords. */
function guessTypes(schema: Fields): readonly string[] | undefined {
  const guessed = [...KEYWORDS].find(([, keywords]) => keywords.some((keyword) => schema[keyword] !== undefined));
  return guessed === undefined ? undefined : [guessed[0]];
}
