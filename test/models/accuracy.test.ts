import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toMessages } from '../../models/tickets/generate.ts';
import { openEmbeddedEngine } from '../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../src/engines/engine.ts';

interface Pair {
  readonly text: string;
  readonly answer: string;
}

let engine: Engine;

beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: 'models/tickets/tickets-q8_0.gguf', modelId: 'tickets', slots: 8 });
});

afterAll(() => engine.close());

test('the shipped model is exactly right on 95 of 100 tickets that it never saw', async () => {
  const pairs = readPairs('heldout.jsonl');
  expect(pairs).toHaveLength(200);
  expect(await countRight(pairs)).toBeGreaterThanOrEqual(190);
});

test('on tickets that follow no template it is right on about half, as its card says', async () => {
  const pairs = readPairs('hand.jsonl');
  expect(pairs).toHaveLength(30);
  const right = await countRight(pairs);
  expect(right).toBeGreaterThanOrEqual(13);
  expect(right).toBeLessThanOrEqual(17);
});

const readPairs = (name: string): Pair[] =>
  readFileSync(`models/tickets/${name}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Pair);

/** Right means the very bytes of the expected JSON, ended by the model itself. */
async function countRight(pairs: readonly Pair[]): Promise<number> {
  const right = await Promise.all(pairs.map(async ({ text, answer }) => (await ask(text)) === answer));
  return right.filter(Boolean).length;
}

async function ask(text: string): Promise<string> {
  const body = Buffer.from(JSON.stringify({ model: 'tickets', messages: toMessages(text), temperature: 0, max_tokens: 48 }));
  const reply = await engine.answer({ path: '/v1/chat/completions', body: [body] }, new AbortController().signal);
  if (reply.kind === 'silence') throw new Error(`The engine gave no answer: ${reply.message}`);
  const said = JSON.parse(reply.body.toString()) as { choices: { message: { content: string }; finish_reason: string }[] };
  const [choice] = said.choices;
  expect([reply.status, choice?.finish_reason]).toEqual([200, 'stop']);
  return choice?.message.content ?? '';
}
