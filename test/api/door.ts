/** A whole server's insides but for engines and workers, in a folder of its own: what the tests of the HTTP door knock on. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_LIMITS, type Limits } from '../../src/actions/context.ts';
import { issueKey } from '../../src/actions/issue-key.ts';
import { makeModelRegistry, type RegisteredModel } from '../../src/actions/model-registry.ts';
import type { ApiContext } from '../../src/api/api-context.ts';
import { makeApp } from '../../src/api/app.ts';
import { openStore } from '../../src/db/open-store.ts';
import { openDiskStore } from '../../src/storage/disk.ts';

const MODELS: readonly RegisteredModel[] = [
  { name: 'accounts/boatload/models/tickets', served: true, precision: 'BF16' },
  { name: 'accounts/boatload/models/asleep', served: false, precision: 'BF16' },
];

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

/** What the tests look at in replies of all kinds. */
export interface Body {
  readonly name: string;
  readonly message: string;
  readonly details: readonly { readonly reason: string }[];
  readonly filename: string;
  readonly outputDatasetId: string;
  readonly inferenceParameters: unknown;
  readonly datasets: readonly { readonly name: string }[];
  readonly batchInferenceJobs: readonly { readonly name: string }[];
  readonly nextPageToken: string;
  readonly totalSize: number;
  readonly filenameToSignedUrls: Readonly<Record<string, string>>;
  readonly paths: object;
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly properties: Readonly<Record<string, { description?: string; $ref?: string }>> }>
    >;
  };
}

export async function openDoor(limits: Partial<Limits> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-api-'));
  const store = await openStore({ url: `file:${join(dir, 'db')}` });
  const objects = await openDiskStore(join(dir, 'objects'));
  const clock = { time: Date.parse('2026-01-05T02:00:00Z'), now: () => new Date(clock.time) };
  const logged: unknown[] = [];
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: (facts: unknown) => void logged.push(facts) };
  const links = { secret: randomBytes(32), baseUrl: () => 'http://boatload.test' };
  const context: ApiContext = {
    store,
    objects,
    clock,
    models: makeModelRegistry(() => MODELS),
    limits: { ...DEFAULT_LIMITS, ...limits },
    links,
    log,
    build: { version: '0.0.0-test', node: process.version },
  };
  const app = makeApp(context);
  const keyOf = async (accountId: string) =>
    (await issueKey(context, { accountId, displayName: 'first key', email: `${accountId}@example.test`, role: 'admin' })).key;
  const keys = { acme: await keyOf('acme'), bob: await keyOf('bob') };

  /** Asks the app; a body that isn't a form or text is sent as JSON. */
  const ask = async (path: string, { method, body, key = keys.acme, headers }: Asked = {}) => {
    const form = body instanceof FormData ? await encodeForm(body) : undefined;
    return app.request(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...form?.headers, ...headers },
      ...(body !== undefined && { body: form?.bytes ?? (typeof body === 'string' ? body : JSON.stringify(body)) }),
    });
  };
  const askJson = async (path: string, asked?: Asked) => {
    const reply = await ask(path, asked);
    return { status: reply.status, body: (await reply.json()) as Body };
  };
  /** A dataset of acme that is READY. */
  const makeDataset = async (id: string, text = '{"custom_id":"a","body":{"messages":[{"role":"user","content":"hi"}]}}\n') => {
    await askJson('/v1/accounts/acme/datasets', { body: { datasetId: id } });
    return askJson(`/v1/accounts/acme/datasets/${id}:upload`, { body: formOf(text) });
  };
  const objectKeys = async () => {
    const keys: string[] = [];
    for await (const { key } of objects.list('')) keys.push(key);
    return keys;
  };
  const close = async () => {
    await store.close();
    await rm(dir, { recursive: true });
  };
  return { app, context, dir, keys, clock, logged, ask, askJson, makeDataset, objectKeys, close };
}

export const formOf = (text: string, filename = 'in.jsonl'): FormData => {
  const form = new FormData();
  form.set('file', new Blob([text]), filename);
  return form;
};

/** As bytes: a FormData as a body goes on producing after the server has stopped listening, and then fails. */
const encodeForm = async (form: FormData) => {
  const encoded = new Response(form);
  return { bytes: await encoded.arrayBuffer(), headers: { 'content-type': encoded.headers.get('content-type') ?? '' } };
};
