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
  [{ type: 'string', enum: ['a', 2] }, ['"a"'], ['2']],
  [{ type: 'object', required: ['a'], additionalProperties: { type: 'number' } }, ['{"a":1}'], ['{"a":"x"}', '{}']],
  [{ type: ['integer', 'number'] }, ['1', '-7.5'], ['"1"']],
  [{ type: 'integer', minimum: 1 }, ['1', '10'], ['0', '-1']],
  [{ type: 'string', minLength: 2 }, ['"ab"', '"\\u00e9\\ue000"'], ['"\\ud83d\\ude00"', '"🙂"']],
  [{ anyOf: [{ type: 'null' }, { $ref: '#/anyOf/0' }] }, ['null'], ['1']],
  [true, ['{"a":[1,null]}', '"x"', '1'], ['', 'x']],
])('%j', async (schema, good, bad) => {
  for (const text of good) expect([text, await fits(schema, text)]).toEqual([text, true]);
  for (const text of bad) expect([text, await fits(schema, text)]).toEqual([text, false]);
});

test('a schema with many optional fields stays small', () => {
  const properties = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`field${index}`, { type: 'string' }]));
  expect(makeJsonSchemaGrammar({ type: 'object', properties }).length).toBeLessThan(100_000);
});

test.each<[unknown, string]>([
  [{ properties: { a: { type: 'string', const: 1 } } }, "'const' at properties/a"],
  [{ type: 'null', enum: [1, 2] }, "'enum' at its root"],
  [{ type: 'array', minItems: 3, maxItems: 2 }, "'minItems' at its root"],
  [{ type: 'string', minLength: 3, maxLength: 2 }, "'minLength' at its root"],
  [{ type: 'integer', minimum: 3, maximum: 2 }, "'minimum' at its root"],
  [{ type: 'integer', minimum: 0.5, maximum: 2 }, "'minimum' (0.5) at its root"],
  [{ type: ['integer', 'number'], minimum: 0 }, "'minimum' (0) at its root"],
  [{ type: 'object', required: ['a'], additionalProperties: false }, "'required' at its root"],
  [{ type: 'object', required: null }, "'required' (null) at its root"],
  [{ type: 'toString' }, '\'type\' ("toString") at its root'],
  [{ type: [] }, "'type' ([]) at its root"],
  [{ type: 'string', format: 'constructor' }, '\'format\' ("constructor") at its root'],
  [{ $ref: '#/%' }, '\'$ref\' ("#/%") at its root'],
  [{ $ref: ['#'] }, '\'$ref\' (["#"]) at its root'],
  [{ $ref: '#/constructor' }, '\'$ref\' ("#/constructor") at its root'],
  [{ items: { $id: 'other', type: 'null' } }, '\'$id\' ("other") at items'],
  [{ const: Number.POSITIVE_INFINITY }, '\'const\' ("Infinity") at its root'],
  [{ $ref: '#' }, "'$ref'"],
  [{ anyOf: [{ type: 'null' }, { $ref: '#' }] }, "'$ref'"],
  [{ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, "'$ref'"],
  [{ type: 'array', items: { $ref: '#' }, minItems: 1 }, "'$ref'"],
])('%j is refused by the name of what is wrong', (schema, named) => {
  expect(() => makeJsonSchemaGrammar(schema)).toThrow(
    expect.objectContaining({ name: 'Refusal', message: expect.stringContaining(named) }),
  );
});

test('no depth and no length of a schema brings the engine down', () => {
  const deep = Array.from({ length: 20_000 }).reduce<object>((items) => ({ items }), {});
  const chain = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`${index}`, { $ref: `#/$defs/${index + 1}` }]));
  const wide = Array.from({ length: 200 }, () => ({ type: 'string', maxLength: 2_000 }));
  const nested = Array.from({ length: 50 }).reduce<object>((a) => ({ properties: { a, b: true }, required: ['b'] }), {});
  expect(() => makeJsonSchemaGrammar(deep)).toThrow('nested too deeply');
  expect(() => makeJsonSchemaGrammar({ anyOf: wide })).toThrow('too large');
  expect(makeJsonSchemaGrammar({ $ref: '#/$defs/0', $defs: { ...chain, 4000: { type: 'null' } } })).toContain('root ::= ');
  expect(makeJsonSchemaGrammar(nested).length).toBeLessThan(20_000);
});
