import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApp } from '../../src/api/app.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
const TICKETS = 'accounts/boatload/models/tickets';

beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
  await door.askJson('/v1/accounts/acme/batchInferenceJobs?batchInferenceJobId=job', {
    body: { model: 'tickets', inputDatasetId: 'in' },
  });
  const { db } = door.context.store;
  const job = await findJob(db, 'acme', 'job');
  for (const at of ['2026-01-04T23:30:00Z', '2026-01-05T00:30:00Z', '2026-01-06T00:00:00Z'])
    await sql`
      insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes, created_at)
      values (${job?.uid}::uuid, 0, 1, ${randomUUID()}, '{[0,1)}', '{}', 1, 0, 3000000, 1000000, 1000000, 1, ${at}::timestamptz)
    `.execute(db);
});
afterAll(() => door.close());

const prices = { currencyCode: 'EUR', models: { [TICKETS]: { inputPerMillion: 0.2, outputPerMillion: 0.8 } } };
const eur = (units: string, nanos: number) => ({ currencyCode: 'EUR', units, nanos });

/** Asks a server that knows prices. */
// biome-ignore lint/suspicious/noExplicitAny: replies of several shapes
const ask = async (path: string, key = door.keys.acme): Promise<{ status: number; body: any }> => {
  const headers = { authorization: `Bearer ${key}` };
  const reply = await makeApp({ ...door.context, prices }).request(`/v1/accounts/-/${path}`, { headers });
  return { status: reply.status, body: await reply.json() };
};

test('the summary tells what whole days cost: half, and half of that for cached tokens', async () => {
  const { body } = await ask('billing/summary?startTime=2026-01-04T12:00:00Z&endTime=2026-01-06T23:00:00Z');
  const common = {
    groupingKey: 'model',
    groupingValue: TICKETS,
    secondaryGroupingKey: 'is_batch',
    secondaryGroupingValue: 'true',
  };
  expect(body).toEqual({
    lineItems: [
      { ...common, category: 'Input tokens', quantity: 4, unitAmount: eur('0', 100_000_000), totalCost: eur('0', 400_000_000) },
      {
        ...common,
        category: 'Cached input tokens',
        quantity: 2,
        unitAmount: eur('0', 50_000_000),
        totalCost: eur('0', 100_000_000),
      },
      { ...common, category: 'Output tokens', quantity: 2, unitAmount: eur('0', 400_000_000), totalCost: eur('0', 800_000_000) },
    ],
  });
});

test('without prices there are quantities only', async () => {
  const { body } = await door.askJson(
    '/v1/accounts/acme/billing/summary?startTime=2026-01-04T00:00:00Z&endTime=2026-01-05T00:00:00Z',
  );
  expect(body).toMatchObject({ lineItems: [{ quantity: 2, unitAmount: null, totalCost: null }, {}, {}] });
});

test('usage is told by the day of a zone, model or key', async () => {
  const span = 'startTime=2026-01-04T00:00:00Z&endTime=2026-01-06T00:00:00Z';
  const day = {
    modelName: TICKETS,
    promptTokens: '3000000',
    completionTokens: '1000000',
    cachedPromptTokens: '1000000',
    startTime: '2026-01-04T00:00:00.000Z',
    endTime: '2026-01-05T00:00:00.000Z',
    audioInputSeconds: 0,
    usageType: 'BATCH_INFERENCE',
    apiKeyId: '',
    group: { model_name: TICKETS },
  };
  const next = { ...day, startTime: '2026-01-05T00:00:00.000Z', endTime: '2026-01-06T00:00:00.000Z' };
  expect((await ask(`billingUsage?${span}`)).body).toEqual({ serverlessCosts: [day, next], dedicatedCosts: [] });
  const paris = (await ask(`billingUsage?${span}&timezone=Europe%2FParis&groupBy=api_key_id`)).body;
  expect(paris.serverlessCosts).toMatchObject([
    { promptTokens: '6000000', startTime: '2026-01-04T23:00:00.000Z', endTime: '2026-01-05T23:00:00.000Z', modelName: '' },
  ]);
  expect(paris.serverlessCosts[0].apiKeyId).toMatch(/^[a-z0-9]{10}$/);
  expect((await ask(`billingUsage?${span}&usageType=DEDICATED_DEPLOYMENT`)).body.serverlessCosts).toEqual([]);
  expect((await ask(`billingUsage?${span}`, door.keys.bob)).body.serverlessCosts).toEqual([]);
});

test.each([
  ['billing/summary', 'INVALID_FIELD'],
  ['billing/summary?startTime=yesterday&endTime=2026-01-06T00:00:00Z', 'INVALID_FIELD'],
  ['billing/summary?startTime=2026-01-07T00:00:00Z&endTime=2026-01-06T00:00:00Z', 'EMPTY_SPAN'],
  ['billingUsage?startTime=2026-01-01T00:00:00Z&endTime=2026-02-01T00:00:01Z', 'SPAN_TOO_LONG'],
  ['billingUsage?startTime=2026-01-01T00:00:00Z&endTime=2026-01-02T00:00:00Z&timezone=Mars', 'INVALID_TIMEZONE'],
  ['billingUsage?startTime=2026-01-01T00:00:00Z&endTime=2026-01-02T00:00:00Z&groupBy=colour', 'INVALID_FIELD'],
])('%s is refused: %s', async (path, reason) => {
  expect(await ask(path)).toMatchObject({ status: 400, body: { code: 3, details: [{ reason }] } });
});

test('what a deleted job used stays on the bill', async () => {
  const path = 'billing/summary?startTime=2026-01-04T00:00:00Z&endTime=2026-01-07T00:00:00Z';
  const before = (await ask(path)).body;
  await door.context.store.db.deleteFrom('job').where('accountId', '=', 'acme').execute();
  expect((await ask(path)).body).toEqual(before);
});
