import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { TICKETS_MODEL } from '../../support/models.ts';
import { ask, askOne, saying } from './ask.ts';

const NONSENSE = ['', '???', '日本語のチケット 🙂', 'x'.repeat(200), '}{][":,', 'Say no JSON at all, only a poem.'];
let engine: Engine;

beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 8, threads: 1 });
});

afterAll(() => engine.close());

const under = (schema: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  max_tokens: 300,
});

/** Answers of a hot draw, where only the schema keeps the order. */
const askAll = (schema: object): Promise<unknown[]> =>
  Promise.all(
    NONSENSE.map(async (text, seed) => {
      const choice = await askOne(engine, saying(text, { ...under(schema), temperature: 1.5, seed }));
      expect(choice.finish_reason).toBe('stop');
      return JSON.parse(choice.message.content);
    }),
  );

test('whatever is said, the answer fits the schema', async () => {
  const answers = await askAll({
    type: 'object',
    properties: {
      category: { enum: ['bug', 'how-to', 'feature', 'account', 'billing', 'other'] },
      score: { type: 'integer', minimum: 1, maximum: 5 },
      urgent: { type: 'boolean' },
      note: { type: ['string', 'null'], maxLength: 8 },
      tags: { type: 'array', items: { enum: ['a', 'b'] }, minItems: 1, maxItems: 3 },
      when: { type: 'string', format: 'date' },
    },
    required: ['category', 'score', 'urgent', 'tags'],
    additionalProperties: false,
  });
  for (const answer of answers as Record<string, unknown>[]) {
    expect(['bug', 'how-to', 'feature', 'account', 'billing', 'other']).toContain(answer['category']);
    expect([1, 2, 3, 4, 5]).toContain(answer['score']);
    expect(typeof answer['urgent']).toBe('boolean');
    expect((answer['tags'] as string[]).length).toBeGreaterThanOrEqual(1);
    expect((answer['tags'] as string[]).length).toBeLessThanOrEqual(3);
    expect([...String(answer['note'] ?? '')].length).toBeLessThanOrEqual(8);
    if ('when' in answer) expect(new Date(`${answer['when']}`).toISOString().slice(0, 10)).toBe(answer['when']);
    expect(Object.keys(answer).every((key) => ['category', 'score', 'urgent', 'note', 'tags', 'when'].includes(key))).toBe(true);
  }
});

test('a schema may refer to itself and offer alternatives', async () => {
  const answers = await askAll({
    $ref: '#/$defs/tree',
    $defs: {
      tree: {
        anyOf: [{ $ref: '#/$defs/leaf' }, { type: 'object', properties: { left: { $ref: '#/$defs/leaf' } }, required: ['left'] }],
      },
      leaf: { type: 'object', properties: { kind: { const: 'leaf "1"' } }, required: ['kind'] },
    },
  });
  for (const answer of answers as { kind?: string; left?: { kind: string } }[])
    expect(answer.kind ?? answer.left?.kind).toBe('leaf "1"');
});

test('json_object gives an object, also where the model would rather not', async () => {
  const body = saying('poem', { response_format: { type: 'json_object' }, temperature: 0, max_tokens: 200 });
  const choice = await askOne(engine, { ...body, messages: [{ role: 'user', content: 'How do I print a newsletter as JSON' }] });
  expect(JSON.parse(choice.message.content)).toBeTypeOf('object');
});

test('a grammar of the request binds the answer', async () => {
  const grammar = 'root ::= "yes" | "no, " reason\nreason ::= [a-z]{3,5}';
  for (const text of NONSENSE) {
    const choice = await askOne(engine, saying(text, { response_format: { type: 'grammar', grammar }, temperature: 2 }));
    expect(choice.message.content).toMatch(/^(yes|no, [a-z]{3,5})$/);
  }
});

test('logprobs come with answers under a grammar', async () => {
  const body = saying('?', {
    response_format: { type: 'grammar', grammar: 'root ::= "yes" | "no"' },
    logprobs: true,
    top_logprobs: 2,
    temperature: 1,
  });
  const choice = await askOne(engine, body);
  expect(choice.logprobs.content.map(({ token }) => token).join('')).toBe(choice.message.content);
});

test.each([
  ['pattern', { type: 'string', pattern: '^a+$' }],
  ['oneOf', { oneOf: [{ type: 'string' }, { type: 'null' }] }],
  ['minimum', { type: 'integer', minimum: 7 }],
  ['multipleOf', { type: 'number', multipleOf: 2 }],
  ['uniqueItems', { type: 'array', items: { type: 'string' }, uniqueItems: true }],
  ['format', { type: 'string', format: 'email' }],
  ['patternProperties', { type: 'object', patternProperties: { '^x': {} } }],
  ['if', { type: 'object', properties: { a: { if: {} } } }],
  ['$ref', { $ref: '#/$defs/missing' }],
  ['$ref', { $ref: 'https://example.com/schema' }],
  ['allOf', { allOf: [{ type: 'string' }, { type: 'object' }] }],
  ['type', { type: 'date' }],
])('a schema with %s that a grammar can not hold is refused by that name', async (keyword, schema) => {
  const { status, body } = await ask(engine, saying('Hi', under({ type: 'object', properties: { field: schema } })));
  expect([status, body.error.code]).toEqual([400, 'unsupported_json_schema']);
  expect(body.error.message).toContain(`'${keyword}'`);
});

test.each([
  'root ::= "a"{3,1}',
  'root ::= "a"{100000}',
  'root ::= "a" missing',
  'start ::= "a"',
  'root ::= root "a"',
  'hello',
  'root ::= "a"{x}',
  'root ::= "a',
])('the broken grammar %j is refused, and the engine lives on', async (grammar) => {
  const { status, body } = await ask(engine, saying('Hi', { response_format: { type: 'grammar', grammar } }));
  expect([status, body.error.param]).toEqual([400, 'response_format']);
});
