/** A model for embeddings that a user brings: tried, asked live, and run over a file. */
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { expect, test } from 'vitest';
import { makeRandomEncoder } from '../../models/random/make-random-encoder.ts';
import { makeFolder } from '../support/folder.ts';
import { boatload } from '../support/program.ts';
import { parseLines } from '../support/rows.ts';
import { startServer } from './server.ts';

const ROWS = 60;
const WIDTH = 32;
const TIMEOUT_MS = 240_000;

const textOf = (row: number): string => `${row} nights and a day the river tells what it has seen`;
const inputLines = (path: string): string =>
  Array.from({ length: ROWS }, (_, row) => {
    const input = row === 7 ? 'a '.repeat(500) : [textOf(row), 'a day'];
    const body =
      path === '/v1/embeddings' ? { model: 'encoder', input } : { model: 'encoder', messages: [{ role: 'user', content: 'Hi' }] };
    return `${JSON.stringify({ custom_id: `r${row}`, method: 'POST', url: path, body })}\n`;
  }).join('');

test(
  'is tried, answers live and in a batch, row by row the same, and refuses chats',
  async () => {
    const dir = await makeFolder();
    const file = join(dir, 'encoder.gguf');
    makeRandomEncoder(file, { dimension: WIDTH });
    const server = await startServer(dir);
    const made = await boatload(['model', 'create', 'encoder', file, '--embedding'], {
      cwd: dir,
      env: { BOATLOAD_BASE_URL: server.url, BOATLOAD_API_KEY: server.apiKey },
    });
    expect([made.code, made.stderr]).toEqual([0, expect.anything()]);
    expect((await server.ask('GET', 'models/encoder')).body).toMatchObject({ state: 'READY', kind: 'EMBEDDING_MODEL' });

    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.apiKey, maxRetries: 0 });
    // The client asks for base64 by itself, and unpacks it.
    const live = await client.embeddings.create({ model: 'encoder', input: [textOf(0), 'a day'] });
    expect(live.data.map(({ embedding }) => embedding.length)).toEqual([WIDTH, WIDTH]);
    await expect(
      client.chat.completions.create({ model: 'encoder', messages: [{ role: 'user', content: 'Hi' }] }),
    ).rejects.toThrow('does not answer /v1/chat/completions, only /v1/embeddings');

    const run = async (endpoint: '/v1/embeddings' | '/v1/chat/completions') => {
      const input = await client.files.create({
        file: await toFile(Buffer.from(inputLines(endpoint)), 'in.jsonl'),
        purpose: 'batch',
      });
      const { id } = await client.batches.create({ endpoint, input_file_id: input.id, completion_window: '24h' });
      const look = async () => (await client.batches.retrieve(id)).status;
      await expect.poll(look, { timeout: 60_000 }).toMatch(/completed|failed|expired|cancelled/);
      return client.batches.retrieve(id);
    };
    const batch = await run('/v1/embeddings');
    expect([batch.status, batch.request_counts]).toEqual(['completed', { total: ROWS, completed: ROWS - 1, failed: 1 }]);
    const rows = parseLines(await (await client.files.content(batch.output_file_id ?? '')).text()) as readonly Row[];
    const first = rows.find(({ custom_id }) => custom_id === 'r0')?.response.body;
    const near = (numbers: readonly number[]) => numbers.map((value) => expect.closeTo(value, 5));
    expect(first?.data.map(({ embedding }) => embedding)).toEqual(live.data.map(({ embedding }) => near(embedding)));
    expect(first?.usage.prompt_tokens).toBe(live.usage.prompt_tokens);
    // The second input is the same in every row.
    expect(new Set(rows.map(({ response }) => JSON.stringify(response.body.data[1]?.embedding))).size).toBe(1);
    expect(new Set(rows.map(({ response }) => JSON.stringify(response.body.data[0]?.embedding))).size).toBe(ROWS - 1);
    const errors = await (await client.files.content(batch.error_file_id ?? '')).text();
    expect(errors).toMatch(/r7.*but the context holds 128/);

    const chats = await run('/v1/chat/completions');
    expect([chats.status, chats.errors?.data?.[0]?.message]).toEqual([
      'failed',
      expect.stringContaining('answers /v1/embeddings, not /v1/chat/completions'),
    ]);
  },
  TIMEOUT_MS,
);

interface Row {
  readonly custom_id: string;
  readonly response: {
    readonly body: {
      readonly data: readonly { readonly embedding: readonly number[] }[];
      readonly usage: { readonly prompt_tokens: number };
    };
  };
}
