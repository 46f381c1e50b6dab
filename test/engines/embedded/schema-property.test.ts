/** Whatever schema comes: a refusal that names what is at fault, or a grammar by which nothing can be written that does not fit. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeJsonSchemaGrammar } from '../../../src/engines/embedded/json-schema-grammar.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { Refusal } from '../../../src/engines/embedded/refusal.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { TICKETS_MODEL } from '../../support/models.ts';
import { ask, saying } from './ask.ts';
import { writeByGrammar } from './write-by-grammar.ts';

const SCHEMAS = 400;
const TEXTS = 5;
/** Schemas that the engine itself answers. */
const ASKED = 8;

const isDay = (text: string): boolean => {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
};
const isTime = (text: string): boolean => !Number.isNaN(Date.parse(`2024-01-01T${text}`));
const ajv = new Ajv2020({
  strict: false,
  formats: {
    date: isDay,
    time: isTime,
    'date-time': (text) => isDay(text.slice(0, 10)) && text[10] === 'T' && isTime(text.slice(11)),
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  },
});

const { schema } = fc.letrec<{ schema: unknown; plain: object; nested: object; wrong: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 5, arbitrary: tie('plain') },
    { weight: 6, arbitrary: tie('nested') },
    { weight: 1, arbitrary: tie('wrong') },
  ),
  plain: fc.oneof(
    fc.constantFrom(
      { type: 'boolean' },
      { type: 'null' },
      { type: 'number' },
      { type: ['integer', 'number'] },
      {},
      { title: 'a note' },
    ),
    fc.record(
      { type: fc.constantFrom('string', ['string', 'null']), minLength: fc.nat(4), maxLength: fc.nat(6) },
      { requiredKeys: ['type'] },
    ),
    fc.record({ type: fc.constant('string'), format: fc.constantFrom('date', 'time', 'date-time', 'uuid') }),
    fc.record(
      {
        type: fc.constantFrom('integer', ['integer', 'null'], ['integer', 'boolean']),
        minimum: fc.integer({ min: -9, max: 9 }),
        maximum: fc.integer({ min: -9, max: 20 }),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      {
        type: fc.constantFrom('string', 'integer', 'object', ['null', 'array']),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: ['enum'] },
    ),
    fc.record(
      { type: fc.constantFrom('string', 'number', 'null'), const: fc.jsonValue({ maxDepth: 1 }) },
      { requiredKeys: ['const'] },
    ),
    fc.record({ $ref: fc.constantFrom('#', '#/$defs/one', '#/$defs/two', '#/%', '#/$defs/three', 'else') }),
  ),
  nested: fc.oneof(
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(fc.constantFrom('a', 'b "c"', 'd\n', '🙂'), tie('schema'), { maxKeys: 4 }),
        required: fc.uniqueArray(fc.constantFrom('a', 'b "c"', '🙂', 'e'), { maxLength: 3 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      { type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3), maxItems: fc.nat(4) },
      { requiredKeys: ['type'] },
    ),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
  ),
  wrong: fc.oneof(
    fc.record({
      type: fc.constantFrom('string', 'object', 'toString', [], 7),
      pattern: fc.constant('a+'),
    }),
    fc.record(
      { type: fc.constantFrom('number', 'array'), multipleOf: fc.constant(2), uniqueItems: fc.constant(true) },
      { requiredKeys: ['type', 'multipleOf'] },
    ),
    fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ not: tie('schema') }),
    fc.record({ type: fc.constant('string'), format: fc.constantFrom('email', 'constructor') }),
    fc.record({ type: fc.constantFrom('number', ['number', 'integer']), minimum: fc.integer() }),
    fc.record({ type: fc.constant('string'), minLength: fc.constantFrom(-1, 1.5, '2', null) }),
    fc.record({ type: fc.constant('object'), required: fc.constantFrom(['x', 'x'], [1], null, 'x') }),
    fc.constantFrom(false, null, 3, 'string', []),
  ),
}));

const document = fc.tuple(schema, schema, schema).map(([root, one, two]) => {
  const isObject = typeof root === 'object' && root !== null && !Array.isArray(root);
  const text = JSON.stringify(root);
  const defs = { ...(usesAny(text, [one, two], 'one') && { one }), ...(usesAny(text, [one, two], 'two') && { two }) };
  return isObject ? { ...root, ...(Object.keys(defs).length > 0 && { $defs: defs }) } : root;
});

/** Definitions that nobody refers to are not read; they would only make the judge complain. */
function usesAny(root: string, [one, two]: readonly unknown[], name: 'one' | 'two'): boolean {
  const mentions = (text: string, other: string): boolean => text.includes(`#/$defs/${other}`);
  const other = name === 'one' ? 'two' : 'one';
  const otherText = JSON.stringify(name === 'one' ? two : one);
  return mentions(root, name) || (mentions(root, other) && mentions(otherText, name));
}

/** The grammar, or undefined where the refusal says what is at fault. */
function convert(given: unknown): string | undefined {
  try {
    return makeJsonSchemaGrammar(given);
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    const named = /'([\w$]+|a schema that is no object)'/.exec((error as Refusal).message)?.[1] ?? '';
    expect(named === 'a schema that is no object' || JSON.stringify(given).includes(`"${named}"`)).toBe(true);
    return undefined;
  }
}

/** Numbers from 0 to 1, the same for the same seed. */
function makeChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

let engine: Engine;

beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: ASKED, threads: 1 });
});

afterAll(() => engine.close());

test('every schema is refused by name, or nothing can be written that does not fit it', () => {
  let accepted = 0;
  const judge = fc.property(document, fc.nat(), (given, seed) => {
    const grammar = convert(given);
    if (grammar === undefined) return;
    accepted++;
    const fits = ajv.compile(given as object);
    const chance = makeChance(seed);
    for (let count = 0; count < TEXTS; count++) {
      const text = writeByGrammar(grammar, chance);
      if (!fits(JSON.parse(text))) throw new Error(`${text} does not fit: ${ajv.errorsText(fits.errors)}`);
    }
  });
  fc.assert(judge, { numRuns: SCHEMAS });
  // A converter that refuses everything would lie as little.
  expect(accepted).toBeGreaterThan(SCHEMAS / 4);
});

test('what the engine answers fits, too', async () => {
  const schemas = fc
    .sample(document, { numRuns: 100 })
    .filter((given) => typeof given === 'object' && convert(given) !== undefined);
  const replies = await Promise.all(
    schemas.slice(0, ASKED).map(async (given, seed) => {
      const format = { type: 'json_schema', json_schema: { name: 'answer', schema: given } };
      const { status, body } = await ask(
        engine,
        saying('???', { response_format: format, temperature: 1.5, seed, max_tokens: 120 }),
      );
      return { given, status, choice: body.choices?.[0] };
    }),
  );
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  const whole = replies.filter(({ choice }) => choice?.finish_reason === 'stop');
  expect(whole.length).toBeGreaterThan(0);
  for (const { given, choice } of whole)
    expect([given, ajv.validate(given as object, JSON.parse(choice?.message.content ?? ''))]).toEqual([given, true]);
});
