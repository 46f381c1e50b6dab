/** A working door with both published clients, and what tests of batches do with them. */
import { toFile } from 'openai';
import { expect } from 'vitest';
import { makeRow, parseLines } from '../support/rows.ts';
import { type Client, openClients } from './openai-clients.ts';
import { openWorkingDoor, type WorkingDoorOptions } from './working-door.ts';

/** As the client reads it. */
export type Batch = Awaited<ReturnType<Client['batches']['retrieve']>>;

/** A line of an output or error file. */
export interface Row {
  readonly id: string;
  readonly custom_id: string | null;
  readonly response: {
    readonly status_code: number;
    readonly request_id: string;
    readonly body: {
      readonly choices?: readonly { readonly message: { readonly content: string } }[];
      readonly error?: { readonly message: string; readonly type: string };
    };
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export const ENDPOINT = '/v1/chat/completions';

/** Row number `row` in OpenAI's format; `content` stands in its prompt in place of its id. */
export const openaiRow = (row: number, content?: string) => {
  const { custom_id, body } = makeRow(row, { model: 'tickets' });
  const messages = content === undefined ? body.messages : [{ role: 'user', content: `[[${content}]]` }];
  return { custom_id, method: 'POST', url: ENDPOINT, body: { ...body, messages } };
};

const upload = async (client: Client, text: string): Promise<string> => {
  const file = await client.files.create({ file: await toFile(Buffer.from(text), 'in.jsonl'), purpose: 'batch' });
  return file.id;
};

const createBatch = async (client: Client, text: string, more: object = {}): Promise<Batch> =>
  client.batches.create({ input_file_id: await upload(client, text), endpoint: ENDPOINT, completion_window: '24h', ...more });

const until = (client: Client, { id }: Batch, holds: (batch: Batch) => boolean): Promise<Batch> =>
  expect
    .poll(() => client.batches.retrieve(id), { timeout: 60_000, interval: 50 })
    .toSatisfy(holds)
    .then(() => client.batches.retrieve(id));

const untilStatus = (client: Client, batch: Batch, status: string): Promise<Batch> =>
  until(client, batch, (now) => now.status === status);

const readRows = async (client: Client, fileId: string | null | undefined): Promise<Row[]> =>
  fileId == null ? [] : parseLines<Row>(await (await client.files.content(fileId)).text());

/** Rows whose prompt begins with `refused` are refused, with `forbidden` our key is; those that begin with `slow` are never answered while `isHanging`. */
export async function openBatchRoom(options: WorkingDoorOptions = {}) {
  const engine = { isHanging: true };
  const door = await openWorkingDoor({
    ...options,
    engine: {
      script: ({ marker }) => {
        if (marker.startsWith('refused')) return { status: 400, body: REFUSAL };
        if (marker.startsWith('forbidden')) return { status: 401, body: REVOKED };
        return engine.isHanging && marker.startsWith('slow') ? 'hang' : undefined;
      },
    },
  });
  const http = await openClients(door);
  const close = async () => {
    await http.close();
    await door.close();
  };
  return { ...http, door, engine, close, upload, createBatch, until, untilStatus, readRows };
}

const REFUSAL = '{"error":{"message":"no such thing","type":"invalid_request_error"}}';
const REVOKED = '{"error":{"message":"this key was revoked"}}';
