import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeJsonSchemaGrammar } from '../../../src/engines/embedded/json-schema-grammar.ts';

let llama: Llama;

beforeAll(async () => {
  llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error });
});

afterAll(() => llama.dispose());

/** Whether llama.cpp, under the grammar of the schema, could write this text. */
async function fits(schema: unknown, text: string): Promise<boolean> {
  const grammar = await llama.createGrammar({ grammar: makeJsonSchemaGrammar(schema) });
  // The library keeps its matcher to itself; it is the one by which answers are drawn.
  return (grammar as unknown as { _testText(text: string): boolean })._testText(text);
}

const address = {
  type: 'object',
  properties: { street: { type: 'string' }, number: { type: 'integer' }, floor: { type: 'number' } },
  required: ['number'],
};

test.each<[unknown, readonly string[], readonly string[]]>([
  [
    address,
    ['{"number":1}', '{ "street": "a\\n\\u00e9", "number": -3, "floor": 1.5e3 }', '{"number":0,\n  "floor":2\n}'],
    [
      '{}',
      '{"floor":1}',
      '{"number":1,"street":"a"}',
      '{"number":01}',
      '{"number":1,}',
      '{"number":1}\n',
      '{"number":1,"other":2}',
    ],
  ],
  [
    { type: 'object', properties: { a: { const: 1 }, b: { const: 2 } } },
    ['{}', '{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
    ['{,"b":2}', '{"b":2,"a":1}', '{"a":1,}'],
  ],
  [{ type: 'object', additionalProperties: { type: 'boolean' } }, ['{}', '{"x":true,"y":false}'], ['{"x":1}', '{x:true}']],
  [
    { type: 'array', items: { type: 'null' }, minItems: 2, maxItems: 3 },
    ['[null,null]', '[ null, null, null ]'],
    ['[]', '[null]', '[null,null,null,null]', '[null,null,]'],
  ],
  [{ type: 'array' }, ['[]', '[1,"a",{"b":[]}]'], ['[1,]', '{}']],
  [{ type: 'array', items: {}, maxItems: 0 }, ['[]'], ['[1]']],
  [{ enum: ['a "quoted" \\ one', 2, null, { b: [1] }] }, ['"a \\"quoted\\" \\\\ one"', '2', 'null', '{"b":[1]}'], ['"a"', '3']],
  [{ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"ab\\""', '"日本"'], ['"a"', '"abcd"']],
  [
    { type: 'string', format: 'date-time' },
    ['"2024-02-28T23:59:59Z"', '"2024-12-31T00:00:00.123+02:00"'],
    ['"2024-02-30T00:00:00Z"', '"2024-13-01T00:00:00Z"', '"2024-01-01"', '"2024-06-31T00:00:00Z"'],
  ],
  [{ type: 'string', format: 'uuid' }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123e4567"']],
  [{ type: 'integer', minimum: 0 }, ['0', '12'], ['-1', '1.5', '01']],
  [{ type: 'integer', minimum: -2, maximum: 2 }, ['-2', '0', '2'], ['3', '-3', '22']],
  [{ type: ['string', 'null'], description: 'a note' }, ['"x"', 'null'], ['1']],
  [{ allOf: [{ $ref: '#/$defs/flag' }], $defs: { flag: { type: 'boolean' } } }, ['true'], ['1']],
  [{ anyOf: [{ type: 'boolean' }, { type: 'integer' }] }, ['true', '7'], ['"true"']],
  [{ type: 'object', properties: { next: { $ref: '#' } } }, ['{}', '{"next":{"next":{}}}'], ['{"next":1}']],
  [true, ['{"a":[1,null]}', '"x"', '1'], ['', 'x']],
])('%j', async (schema, good, bad) => {
  for (const text of good) expect([text, await fits(schema, text)]).toEqual([text, true]);
  for (const text of bad) expect([text, await fits(schema, text)]).toEqual([text, false]);
});

test('a schema with many optional fields stays small', () => {
  const properties = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`field${index}`, { type: 'string' }]));
  expect(makeJsonSchemaGrammar({ type: 'object', properties }).length).toBeLessThan(100_000);
});
