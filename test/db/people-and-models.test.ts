import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { addModelFile } from '../../src/db/queries/add-model-file.ts';
import { announceModelFiles } from '../../src/db/queries/announce-model-files.ts';
import { createJob } from '../../src/db/queries/create-job.ts';
import { deleteJob } from '../../src/db/queries/delete-job.ts';
import { insertModel } from '../../src/db/queries/insert-model.ts';
import { insertUser } from '../../src/db/queries/insert-user.ts';
import { listAccounts } from '../../src/db/queries/list-accounts.ts';
import { listModelFiles } from '../../src/db/queries/list-model-files.ts';
import { listModels } from '../../src/db/queries/list-models.ts';
import { listQuotas } from '../../src/db/queries/list-quotas.ts';
import { measureUsage } from '../../src/db/queries/measure-usage.ts';
import { setQuota } from '../../src/db/queries/set-quota.ts';
import { sumUsage, type UsageGroup } from '../../src/db/queries/sum-usage.ts';
import { updateModel } from '../../src/db/queries/update-model.ts';
import type { Db } from '../../src/db/store.ts';
import { describeOnBoth } from './databases.ts';
import { makeAccount, makeJob, newJob } from './jobs.ts';

const AT = new Date('2026-03-01T12:00:00.456Z');
const newModel = (accountId: string, id: string) => ({
  accountId,
  id,
  uid: randomUUID(),
  displayName: '',
  description: '',
  kind: 'HF_BASE_MODEL',
  state: 'UPLOADING' as const,
  public: false,
  details: { contextLength: 128, nested: { camelCase: 1, snake_case: [1] } },
  createdBy: 'ada',
  createdAt: AT,
  updatedAt: AT,
});

describeOnBoth('people and models', (open) => {
  test('a list of models holds records and what engines serve, each once', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const record = newModel(accountId, 'mine');
    expect(await insertModel(db, record)).toEqual({ ...record, pull: null, precisions: [] });
    expect(await insertModel(db, { ...record, uid: randomUUID() })).toBeUndefined();
    const served = [
      { id: 'mine', public: true, details: {} },
      { id: 'engine', public: true, details: { contextLength: 64 } },
    ];
    const page = { accountId, pageSize: 10 };
    const list = await listModels(db, page, { served, onlyPublic: false });
    expect(list.total).toBe(2);
    expect(list.rows).toMatchObject([
      { accountId, id: 'engine', createdAt: null, state: 'READY', public: true, precisions: [] },
      { accountId, id: 'mine', createdAt: AT, state: 'UPLOADING', public: false, details: record.details },
    ]);
    const longest = await listModels(
      db,
      { ...page, orderBy: [{ column: 'contextLength', descending: true }] },
      { served, onlyPublic: false },
    );
    expect(longest.rows.map(({ id }) => id)).toEqual(['mine', 'engine']);
    expect(await listModels(db, page, { served: [], onlyPublic: true })).toEqual({ total: 0, rows: [] });
    const changed = await updateModel(db, record.uid, { public: true, precisions: ['FP8', 'BF16'], updatedAt: AT });
    expect(changed?.precisions).toEqual(['FP8', 'BF16']);
    expect((await listModels(db, page, { served: [], onlyPublic: true })).total).toBe(1);
  });

  test('a file that is announced again at its size stays, at another it has to come again', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const model = newModel(accountId, 'm');
    await insertModel(db, model);
    const announce = (sizes: Record<string, number>) =>
      db.transaction().execute((tx) => announceModelFiles(tx, model, { sizes, at: AT }));
    await announce({ a: 5_000_000_000, b: 2 });
    const file = { accountId, modelId: 'm', name: 'a', bytes: 5_000_000_000, objectKey: 'k1', sha256: 'h', createdAt: AT };
    expect(await addModelFile(db, file)).toEqual({ added: true, replaced: null });
    expect(await addModelFile(db, { ...file, objectKey: 'k2' })).toEqual({ added: true, replaced: 'k1' });
    expect(await addModelFile(db, { ...file, name: 'c' })).toEqual({ added: false, replaced: null });
    await announce({ a: 5_000_000_000 });
    expect(await listModelFiles(db, model)).toMatchObject([
      { name: 'a', objectKey: 'k2' },
      { name: 'b', objectKey: null },
    ]);
    expect((await measureUsage(db, accountId))['model-bytes']).toBe(5_000_000_002);
    await announce({ a: 1 });
    expect(await listModelFiles(db, model)).toMatchObject([
      { name: 'a', bytes: 1, objectKey: null, sha256: null },
      { name: 'b' },
    ]);
    expect(await addModelFile(db, file)).toEqual({ added: false, replaced: null });
    await updateModel(db, model.uid, { state: 'READY', updatedAt: AT });
    expect(await addModelFile(db, { ...file, bytes: 1 })).toEqual({ added: false, replaced: null });
  });

  test('a quota is what was set, but never more than the server allows', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    await setQuota(db, { accountId, id: 'a', value: 9, updatedAt: AT });
    await setQuota(db, { accountId, id: 'a', value: 7, updatedAt: AT });
    const valuesAt = async (most: number) =>
      (
        await listQuotas(db, { accountId, pageSize: 9 }, [
          { id: 'a', most, used: 1 },
          { id: 'b', most, used: 2 },
        ])
      ).rows;
    expect(await valuesAt(8)).toEqual([
      { accountId, id: 'a', value: 7, maxValue: 8, usage: 1, updatedAt: AT },
      { accountId, id: 'b', value: 8, maxValue: 8, usage: 2, updatedAt: null },
    ]);
    expect((await valuesAt(5))[0]?.value).toBe(5);
    await makeJob(open(), { accountId });
    expect((await measureUsage(db, accountId))['batch-jobs-active']).toBe(1);
  });

  test("an account is listed with its first admin's address", async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const page = { accountId, pageSize: 1 };
    expect(await listAccounts(db, page)).toMatchObject({ total: 1, rows: [{ id: accountId, email: null }] });
    const user = { accountId, displayName: '', permissionPreset: '', serviceAccount: false, createdAt: AT, updatedAt: AT };
    await insertUser(db, { ...user, id: 'ada', email: 'ada@example.test', role: 'user' });
    await insertUser(db, { ...user, id: 'bob', email: 'bob@example.test', role: 'admin' });
    expect(await insertUser(db, { ...user, id: 'eve', email: 'BOB@example.test', role: 'user' })).toBeUndefined();
    expect((await listAccounts(db, page)).rows).toMatchObject([{ email: 'bob@example.test' }]);
  });

  test('usage is summed by day, model, key and label, and outlives its job', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    await makeKey(db, accountId, { team: 'red' });
    const job = await makeJob(open(), { accountId, model: 'accounts/boatload/models/a' });
    const keyed = newJob(accountId, { model: 'accounts/boatload/models/b' });
    await createJob(open(), keyed, { apiKeyId: `key-${accountId}` });
    await addPart(db, job.uid, '2026-03-01T23:59:59.999Z', { input: 3_000_000_000, output: 10, cached: 7 });
    await addPart(db, job.uid, '2026-03-02T00:00:00Z', { input: 5, output: 1, cached: 0 });
    await addPart(db, keyed.uid, '2026-03-02T10:07:00Z', { input: 100, output: 20, cached: 50 });
    await addPart(db, keyed.uid, '2026-03-03T00:00:00Z', { input: 1, output: 1, cached: 1 });
    const borders = ['2026-03-01', '2026-03-02', '2026-03-03'].map((day) => new Date(day));
    const sumBy = async (group: UsageGroup) =>
      (await sumUsage(db, { accountId, borders, group })).map((sum) => [
        sum.stretch,
        sum.value,
        sum.inputTokens,
        sum.outputTokens,
        sum.cachedTokens,
      ]);
    const byModel = [
      [0, 'accounts/boatload/models/a', 3_000_000_000, 10, 7],
      [1, 'accounts/boatload/models/a', 5, 1, 0],
      [1, 'accounts/boatload/models/b', 100, 20, 50],
    ];
    expect(await sumBy('model')).toEqual(byModel);
    const byKey = [
      [0, '', 3_000_000_000, 10, 7],
      [1, '', 5, 1, 0],
      [1, `key-${accountId}`, 100, 20, 50],
    ];
    expect(await sumBy('apiKeyId')).toEqual(byKey);
    expect((await sumBy('team')).at(-1)).toEqual([1, 'red', 100, 20, 50]);
    await deleteJob(db, job.uid);
    await deleteJob(db, keyed.uid);
    expect(await sumBy('model')).toEqual(byModel);
    expect(await sumBy('apiKeyId')).toEqual(byKey);
    expect(await sumUsage(db, { accountId: await makeAccount(open()), borders, group: 'model' })).toEqual([]);
  });
});

const makeKey = async (db: Db, accountId: string, annotations: Record<string, string>) => {
  const user = {
    accountId,
    id: 'ada',
    displayName: '',
    permissionPreset: '',
    serviceAccount: false,
    createdAt: AT,
    updatedAt: AT,
  };
  await insertUser(db, { ...user, email: '', role: 'admin' });
  const key = { id: `key-${accountId}`, accountId, userId: 'ada', hash: Buffer.from(accountId), prefix: '', displayName: '' };
  await db
    .insertInto('apiKey')
    .values({ ...key, annotations, createdAt: AT })
    .execute();
};

const addPart = (
  db: Db,
  jobUid: string,
  at: string,
  { input, output, cached }: { input: number; output: number; cached: number },
) =>
  sql`
    insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes, created_at)
    values (${jobUid}::uuid, 0, 1, ${randomUUID()}, '{[0,1)}', '{}', 1, 0, ${input}, ${output}, ${cached}, 1, ${at}::timestamptz)
  `.execute(db);
