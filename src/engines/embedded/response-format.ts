/** The grammar that a request's `response_format` asks for. */
import { checkGrammar } from './check-grammar.ts';
import { type Fields, isFields, readFields, readText, refuseOthers, withoutNulls, wrong } from './fields.ts';
import { makeJsonSchemaGrammar } from './json-schema-grammar.ts';
import { Refusal } from './refusal.ts';

const ANY_OBJECT = { type: 'object', additionalProperties: true } as const;
/** What belongs to each type: another type's field beside it would be passed over. */
const BELONGS: Readonly<Record<string, readonly string[]>> = {
  text: ['type'],
  json_object: ['type', 'schema'],
  json_schema: ['type', 'schema', 'json_schema'],
  grammar: ['type', 'grammar'],
};
const AROUND_A_SCHEMA = new Set(['name', 'description', 'schema', 'strict']);

/** Undefined when any text will do. Throws a `Refusal` for what can't be held while an answer is generated. */
export function readResponseFormat(body: Fields): string | undefined {
  const given = readFields(body, 'response_format');
  if (given === undefined) return undefined;
  const format = withoutNulls(given);
  const type = String(format['type']);
  const known = BELONGS[type];
  if (known === undefined) throw wrong('response_format.type', `one of ${Object.keys(BELONGS).join(', ')}`, format['type']);
  checkBeside(format, type, known);
  if (type === 'text') return undefined;
  if (type === 'grammar') return toGrammar(format);
  return makeJsonSchemaGrammar(type === 'json_object' ? (format['schema'] ?? ANY_OBJECT) : toSchema(format));
}

function checkBeside(format: Fields, type: string, known: readonly string[]): void {
  const stray = Object.keys(format).find((name) => !known.includes(name));
  if (stray === undefined) return;
  throw new Refusal(`'response_format.${stray}' means nothing beside the type '${type}'. Leave it out, or choose its type.`, {
    param: `response_format.${stray}`,
  });
}

function toSchema({ json_schema: wrapped, schema: bare }: Fields): Fields {
  if (wrapped !== undefined && bare !== undefined)
    throw new Refusal("'response_format' has both 'json_schema' and 'schema': give one.", { param: 'response_format.schema' });
  if (isFields(wrapped) && isFields(wrapped['schema'])) {
    refuseOthers(wrapped, AROUND_A_SCHEMA, 'response_format.json_schema.');
    return wrapped['schema'];
  }
  const schema = wrapped ?? bare;
  if (isFields(schema)) return schema;
  throw wrong('response_format.json_schema', 'an object with a JSON schema', schema);
}

function toGrammar(format: Fields): string {
  const grammar = readText(format, 'grammar');
  if (grammar === undefined || grammar.trim() === '') throw wrong('response_format.grammar', 'a grammar in GBNF', grammar);
  checkGrammar(grammar);
  return grammar;
}
