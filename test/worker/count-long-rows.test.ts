import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { makePool, type Pool } from '../../src/engines/pool.ts';
import { LADDER_STEPS, RowIndexBuilder } from '../../src/jobs/row-index.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { countLongRows } from '../../src/worker/count-long-rows.ts';
import { Input } from '../../src/worker/input.ts';
import { makeFolder } from '../support/folder.ts';
import { TICKETS_MODEL } from '../support/models.ts';

const CONTEXT = 256;
const CHAT = '/v1/chat/completions';

let engine: Engine;
let pool: Pool;
beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 2, threads: 1, contextSize: CONTEXT });
  pool = makePool([{ engine, model: 'tickets' }]);
});
afterAll(async () => {
  pool.close();
  await engine.close();
});

/** Of many bytes and few tokens, or as many tokens as bytes. */
const contents = ['short', 'parcel '.repeat(40), 'x7#'.repeat(150), 'y8$'.repeat(200), ' '.repeat(1_000)];
const bodyOf = (content: string) => ({ model: 'tickets', messages: [{ role: 'user', content }], max_tokens: 1 });

interface Counting {
  readonly settings?: object;
  readonly contextLength?: number;
  readonly serve?: () => Promise<{ readonly pool: Pool }>;
  readonly signal?: AbortSignal;
}

async function count(
  lines: readonly string[],
  { settings = {}, contextLength, serve = async () => ({ pool }), signal = new AbortController().signal }: Counting = {},
) {
  const objects = await openDiskStore(await makeFolder());
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  await objects.put('in', text);
  const index = new RowIndexBuilder();
  let offset = 0;
  for (const line of lines) {
    const length = Buffer.byteLength(line);
    const ladder = new Uint32Array(LADDER_STEPS);
    index.add({ offset, length, ladder, maxTokens: 0, model: 0, promptBytes: length, mediaBytes: 0 });
    offset += length + 1;
  }
  const rows = index.finish();
  return countLongRows(
    { serve },
    {
      job: { settings } as never, // What is read of it.
      input: new Input(objects, [{ name: 'in.jsonl', bytes: text.length, objectKey: 'in' }]),
      format: 'fireworks',
      rows,
      order: Uint32Array.from(lines.keys()),
      model: { name: 'tickets', served: true, precision: '', contextLength },
      number: 0,
    },
    signal,
  );
}

test('the engine counts a prompt as it is billed, and says whether it would answer it', async () => {
  const signal = new AbortController().signal;
  for (const content of contents) {
    const request = { path: CHAT, body: [Buffer.from(JSON.stringify(bodyOf(content)))] };
    const counted = await engine.countPrompt?.(request, signal);
    const reply = await engine.answer(request, signal);
    if (reply.kind !== 'answer') throw new Error(reply.message);
    const said = JSON.parse(reply.body.toString());
    const tokens = said.usage?.prompt_tokens ?? Number(/has (\d+) tokens/.exec(said.error.message)?.[1]);
    expect(counted).toEqual({ tokens, contextLength: CONTEXT, fits: reply.status === 200 });
  }
  const wrong = { path: CHAT, body: [Buffer.from('{"model":"tickets","messages":7}')] };
  expect(await engine.countPrompt?.(wrong, signal)).toBe(undefined);
});

test('of long lines those are told that are long in tokens: how many, and the first with its length', async () => {
  const lines = contents.map((content, row) => JSON.stringify({ custom_id: `${row}`, body: bodyOf(content) }));
  const request = { path: CHAT, body: [Buffer.from(JSON.stringify(bodyOf(contents[2] ?? '')))] };
  const third = await engine.countPrompt?.(request, new AbortController().signal);
  expect(third?.fits).toBe(false);
  expect(await count(lines)).toMatchObject({ orMore: false, row: 2, tokens: third?.tokens });
  expect((await count(lines))?.rows).toBeGreaterThanOrEqual(2);
  expect(await count(lines.slice(0, 2))).toEqual({ rows: 0, orMore: false, contextLength: 0, row: 0, tokens: 0 });
  // It is known to the engine, if to nobody else.
  expect(await count(lines, { contextLength: CONTEXT })).toEqual(await count(lines));
  // What the job says in front of every row counts, too.
  expect(await count(lines.slice(0, 2), { settings: { systemPrompt: 'z9%'.repeat(200) } })).toMatchObject({ rows: 2, row: 0 });
});

test('a row that the engine refuses for another reason keeps no other from being counted; of very many the longest are', async () => {
  const toLine = (body: object, row: number) => JSON.stringify({ custom_id: `${row}`, body });
  const refused = { ...bodyOf(''), messages: [{ role: 'nobody', content: 'x'.repeat(5_000) }] };
  expect(await count([refused, bodyOf(contents[3] ?? '')].map(toLine))).toMatchObject({ rows: 1, row: 1, orMore: false });
  expect(await count([refused].map(toLine))).toBe(undefined);
  const many = Array.from({ length: 600 }, () => bodyOf(contents[2] ?? ''));
  expect(await count([...many, bodyOf(contents[4] ?? '')].map(toLine))).toMatchObject({ orMore: true });
});

test('an engine that does not open in time is not waited for, nor one that is asked when the time is up', async () => {
  const lines = contents.map((content, row) => JSON.stringify({ custom_id: `${row}`, body: bodyOf(content) }));
  const { promise: never } = Promise.withResolvers<{ readonly pool: Pool }>();
  for (const signal of [AbortSignal.timeout(50), AbortSignal.abort()])
    expect(await count(lines, { serve: () => never, signal })).toBe(undefined);
});
