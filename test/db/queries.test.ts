import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { makeId } from '../../src/base/ids.ts';
import { addEvent } from '../../src/db/queries/add-event.ts';
import { addEventOnce } from '../../src/db/queries/add-event-once.ts';
import { createJob } from '../../src/db/queries/create-job.ts';
import { datasetInUse } from '../../src/db/queries/dataset-in-use.ts';
import { deleteApiKey } from '../../src/db/queries/delete-api-key.ts';
import { deleteDataset } from '../../src/db/queries/delete-dataset.ts';
import { deleteJob } from '../../src/db/queries/delete-job.ts';
import { endJobEarly } from '../../src/db/queries/end-job-early.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { failValidation } from '../../src/db/queries/fail-validation.ts';
import { findAccount } from '../../src/db/queries/find-account.ts';
import { findApiKey } from '../../src/db/queries/find-api-key.ts';
import { findDataset } from '../../src/db/queries/find-dataset.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { findJobByUid } from '../../src/db/queries/find-job-by-uid.ts';
import { finishJob } from '../../src/db/queries/finish-job.ts';
import { insertApiKey } from '../../src/db/queries/insert-api-key.ts';
import { insertDataset } from '../../src/db/queries/insert-dataset.ts';
import { insertUser } from '../../src/db/queries/insert-user.ts';
import { listApiKeys } from '../../src/db/queries/list-api-keys.ts';
import { listDatasetFiles } from '../../src/db/queries/list-dataset-files.ts';
import { listDatasets } from '../../src/db/queries/list-datasets.ts';
import { listEvents } from '../../src/db/queries/list-events.ts';
import { listJobs } from '../../src/db/queries/list-jobs.ts';
import { listJobsToEnd } from '../../src/db/queries/list-jobs-to-end.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { sealDataset } from '../../src/db/queries/seal-dataset.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import { updateDataset } from '../../src/db/queries/update-dataset.ts';
import { JOB_STATES, statesBefore } from '../../src/jobs/states.ts';
import { describeOnBoth } from './databases.ts';
import { finish, makeAccount, makeJob, makePlannedJob, newJob, stateOf, takeOf, takeOneOf, takeTaskOf } from './jobs.ts';

const AT = new Date('2026-03-01T12:00:00.456Z');
const newDataset = (accountId: string, id = makeId(8)) => ({
  accountId,
  id,
  displayName: 'Rows',
  createdBy: 'ada@example.test',
  createdAt: AT,
});
const newFile = (name: string, rows = 3) => ({ name, objectKey: `uploads/${name}`, bytes: 3_000_000_000, rows, sha256: 'ab' });

describeOnBoth('queries', (open) => {
  test('an account is made once', async () => {
    const id = makeId(8);
    await ensureAccount(open().db, { id, displayName: 'Acme', createdAt: AT });
    await ensureAccount(open().db, { id, displayName: 'Other' });
    expect(await findAccount(open().db, id)).toEqual({ id, displayName: 'Acme', createdAt: AT });
  });

  test('an event that is told once is there once, however many tell it together', async () => {
    const { db } = open();
    const { uid: jobUid } = await makeJob(open());
    const event = { jobUid, at: AT, kind: 'context-at-risk' as const, message: 'long' };
    const told: Promise<void>[] = [];
    await db.transaction().execute(async (tx) => {
      await addEventOnce(tx, event);
      told.push(addEventOnce(db, { ...event, message: 'meanwhile' }));
      await delay(200);
    });
    await Promise.all(told);
    await addEventOnce(db, { ...event, message: 'again' });
    expect((await listEvents(db, jobUid)).filter(({ kind }) => kind === event.kind)).toMatchObject([{ message: 'long' }]);
  });

  test('a key is found by its hash, and its last use is noted at most once a minute', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const hash = createHash('sha256').update(randomBytes(32)).digest();
    const key = {
      id: makeId(8),
      accountId,
      hash,
      prefix: 'bl_abc',
      userId: 'ada',
      displayName: 'CI',
      createdAt: AT,
      expiresAt: null,
    };
    const ada = { accountId, id: 'ada', displayName: 'Ada', email: 'ada@example.test', role: 'admin' as const };
    await insertUser(db, { ...ada, permissionPreset: '', serviceAccount: false, createdAt: AT, updatedAt: AT });
    await insertApiKey(db, key);
    const later = (seconds: number) => new Date(AT.getTime() + seconds * 1000);
    expect(await findApiKey(db, hash, later(0))).toMatchObject({
      id: key.id,
      accountId,
      role: 'admin',
      expiresAt: null,
      lastUsedAt: later(0),
    });
    expect(await findApiKey(db, hash, later(59))).toMatchObject({ lastUsedAt: later(0) });
    expect(await findApiKey(db, hash, later(61))).toMatchObject({ lastUsedAt: later(61) });
    expect(await findApiKey(db, randomBytes(32), AT)).toBeUndefined();
    const page = { accountId, pageSize: 10 };
    expect(await listApiKeys(db, page)).toMatchObject({ total: 1, rows: [{ id: key.id, lastUsedAt: later(61) }] });
    expect(await listApiKeys(db, page, 'bob')).toEqual({ total: 0, rows: [] });
    expect([await deleteApiKey(db, { ...key, accountId: 'somebody-else' }), await deleteApiKey(db, key)]).toEqual([false, true]);
    expect(await listApiKeys(db, page)).toEqual({ total: 0, rows: [] });
  });

  test('a dataset takes its file once and then never changes', async () => {
    const { db } = open();
    const dataset = await insertDataset(db, newDataset(await makeAccount(open())));
    expect(dataset).toMatchObject({
      state: 'UPLOADING',
      format: 'FORMAT_UNSPECIFIED',
      origin: { userUploaded: {} },
      rows: null,
      bytes: 0,
      updatedAt: AT,
    });
    const file = { ...newFile('in.jsonl'), accountId: dataset.accountId, datasetId: dataset.id, createdAt: AT };
    expect(await sealDataset(db, file, async () => {})).toBe(true);
    expect(await sealDataset(db, { ...file, name: 'more.jsonl' }, async () => {})).toBe(false);
    expect(await findDataset(db, dataset.accountId, dataset.id)).toMatchObject({ state: 'READY', rows: 3, bytes: 3_000_000_000 });
    expect(await listDatasetFiles(db, dataset.accountId, dataset.id)).toEqual([file]);
    expect(await updateDataset(db, dataset, { displayName: 'Renamed', updatedAt: AT })).toMatchObject({
      displayName: 'Renamed',
      rows: 3,
    });
    expect(await deleteDataset(db, dataset.accountId, dataset.id)).toEqual(['uploads/in.jsonl']);
    expect(await listDatasetFiles(db, dataset.accountId, dataset.id)).toEqual([]);
    expect(await deleteDataset(db, dataset.accountId, dataset.id)).toEqual([]);
    expect(await updateDataset(db, dataset, { updatedAt: AT })).toBeUndefined();
  });

  test('a name is given out once in an account, and again in another', async () => {
    const { db } = open();
    const [mine, yours] = [await makeAccount(open()), await makeAccount(open())];
    await insertDataset(db, newDataset(mine, 'rows'));
    await expect(insertDataset(db, newDataset(mine, 'rows'))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'DATASET_EXISTS',
    });
    await insertDataset(db, newDataset(yours, 'rows'));
    expect(await findDataset(db, yours, 'rows')).toBeDefined();
  });

  test('of many who want the same name at once, one gets it', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const wishes = await Promise.allSettled(Array.from({ length: 6 }, () => insertDataset(db, newDataset(accountId, 'rows'))));
    expect(wishes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('lists are narrowed, ordered and cut into pages that add up', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    for (const id of ['c', 'a', 'b'])
      await insertDataset(db, { ...newDataset(accountId, id), displayName: id === 'b' ? 'odd' : 'even' });
    const idsOf = ({ rows }: Awaited<ReturnType<typeof listDatasets>>) => rows.map(({ id }) => id);
    const first = await listDatasets(db, { accountId, pageSize: 2 });
    expect([idsOf(first), first.total]).toEqual([['a', 'b'], 3]);
    expect(idsOf(await listDatasets(db, { accountId, pageSize: 2, offset: 2 }))).toEqual(['c']);
    expect(
      idsOf(await listDatasets(db, { accountId, pageSize: 9, orderBy: [{ column: 'displayName', descending: true }] })),
    ).toEqual(['b', 'a', 'c']);
    const even = await listDatasets(db, {
      accountId,
      pageSize: 1,
      where: [{ column: 'displayName', operator: '=', value: 'even' }],
    });
    expect([idsOf(even), even.total]).toEqual([['a'], 2]);
  });

  test('a value in a condition stays a value', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const hostile = `x' or 1=1; drop table job; --`;
    await insertDataset(db, { ...newDataset(accountId, 'a'), displayName: hostile });
    await insertDataset(db, newDataset(accountId, 'b'));
    const found = await listDatasets(db, {
      accountId,
      pageSize: 9,
      where: [{ column: 'displayName', operator: 'in', value: [hostile] }],
    });
    expect(found.rows.map(({ id }) => id)).toEqual(['a']);
    expect((await listJobs(db, { accountId: hostile, pageSize: 9 })).total).toBe(0);
  });

  test('a job reads back exactly as it was written', async () => {
    const { db } = open();
    const job = await makeJob(open(), { maxDurationSeconds: 86_400, continuedFrom: 'earlier' });
    expect(await findJob(db, job.accountId, job.id)).toEqual(job);
    expect(await findJobByUid(db, job.uid)).toEqual(job);
    expect(await findJob(db, 'somebody-else', job.id)).toBeUndefined();
    expect(await takeTaskOf(open(), 'plan', job)).toMatchObject({ jobUid: job.uid });
  });

  test('a job whose name or output is taken is refused and leaves nothing in the queue', async () => {
    const { db } = open();
    const job = await makeJob(open());
    const sameName = newJob(job.accountId, { id: job.id });
    const sameOutput = newJob(job.accountId, { outputDatasetId: job.outputDatasetId });
    await expect(createJob(open(), sameName)).rejects.toMatchObject({ code: 'ALREADY_EXISTS', reason: 'JOB_EXISTS' });
    await expect(createJob(open(), sameOutput)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'OUTPUT_DATASET_EXISTS',
    });
    expect(await takeTaskOf(open(), 'plan', sameName)).toBeUndefined();
    await expect(insertDataset(db, newDataset(job.accountId, job.outputDatasetId))).rejects.toMatchObject({
      reason: 'DATASET_EXISTS',
    });
  });

  test('jobs are listed oldest first, by state if asked', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const old = await makeJob(open(), { accountId, createdAt: new Date('2026-01-01') });
    const young = await makeJob(open(), { accountId });
    await failValidation(db, young.uid, { statusCode: 'INVALID_ARGUMENT', statusMessage: 'no', reportKey: 'reports/1' });
    const idsOf = ({ rows }: Awaited<ReturnType<typeof listJobs>>) => rows.map(({ id }) => id);
    expect(idsOf(await listJobs(db, { accountId, pageSize: 9 }))).toEqual([old.id, young.id]);
    expect(
      idsOf(await listJobs(db, { accountId, pageSize: 9, where: [{ column: 'state', operator: 'in', value: ['FAILED'] }] })),
    ).toEqual([young.id]);
    expect(
      idsOf(
        await listJobs(db, {
          accountId,
          pageSize: 9,
          where: [{ column: 'createdAt', operator: '<', value: AT }],
          orderBy: [{ column: 'createdAt', descending: true }],
        }),
      ),
    ).toEqual([young.id, old.id]);
  });

  test('a plan is started once', async () => {
    const { db } = open();
    const job = await makeJob(open());
    const plan = {
      totalRows: 5,
      inputRows: 6,
      rowFormat: 'openai',
      planKey: 'plans/1',
      shards: [
        { first: 0, count: 3 },
        { first: 3, count: 2 },
      ],
    } as const;
    expect(await startPlannedJob(open(), job.uid, plan)).toBe(true);
    expect(await startPlannedJob(open(), job.uid, plan)).toBe(false);
    const started = await findJobByUid(db, job.uid);
    expect(started).toMatchObject({ state: 'PENDING', totalRows: 5, inputRows: 6, rowFormat: 'openai', planKey: 'plans/1' });
    expect(started?.validatedAt).toBeInstanceOf(Date);
    expect(await takeOf(open(), job)).toMatchObject([{ shard: 0 }, { shard: 1 }]);
  });

  test('a plan without rows goes straight to its results', async () => {
    const job = await makePlannedJob(open(), []);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'COMPLETED' });
    expect(await takeTaskOf(open(), 'merge', job)).toBeDefined();
  });

  test('a large plan is one statement', async () => {
    const { db } = open();
    const job = await makePlannedJob(
      open(),
      Array.from({ length: 5_000 }, () => 7),
    );
    const { count, rows } = await db
      .selectFrom('shard')
      .select(({ fn }) => [fn.countAll<number>().as('count'), sql<number>`max(first + count)`.as('rows')])
      .where('jobUid', '=', job.uid)
      .executeTakeFirstOrThrow();
    expect([count, rows]).toEqual([5_000, 35_000]);
    await db.deleteFrom('job').where('uid', '=', job.uid).execute();
  });

  test('a job that is not planned yet ends at once', async () => {
    const job = await makeJob(open());
    const end = { outcome: 'CANCELLED', statusCode: 'CANCELLED', statusMessage: 'Cancelled.', at: AT } as const;
    expect(await endJobEarly(open(), job.uid, end)).toBe(true);
    expect(await endJobEarly(open(), job.uid, end)).toBe(false);
    expect(await findJobByUid(open().db, job.uid)).toMatchObject({
      state: 'CANCELLED',
      statusMessage: 'Cancelled.',
      endedAt: AT,
    });
    expect(await failValidation(open().db, job.uid, { statusCode: 'X', statusMessage: 'late', reportKey: null })).toBe(false);
  });

  test('a finished job has its outcome and its output dataset, both at once and once only', async () => {
    const { db } = open();
    const job = await makePlannedJob(open(), [2]);
    await finish(open(), await takeOneOf(open(), job));
    expect(await datasetInUse(db, job.accountId, job.outputDatasetId)).toBe(true);
    const files = [newFile('BIJOutputSet.jsonl', 2), newFile('error-data', 0)];
    expect(await finishJob(open(), job.uid, { files, at: AT })).toBe(true);
    expect(await finishJob(open(), job.uid, { files, at: AT })).toBe(false);
    expect(await findJobByUid(db, job.uid)).toMatchObject({ state: 'COMPLETED', endedAt: AT });
    expect(await findDataset(db, job.accountId, job.outputDatasetId)).toMatchObject({
      state: 'READY',
      rows: 2,
      bytes: 6_000_000_000,
      sourceJob: job.id,
    });
    expect(await listDatasetFiles(db, job.accountId, job.outputDatasetId)).toMatchObject(files);
    expect(await datasetInUse(db, job.accountId, job.outputDatasetId)).toBe(false);
  });

  test('an output dataset that was made beforehand and is empty is used', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    await insertDataset(db, newDataset(accountId, 'mine'));
    const job = await makeJob(open(), { accountId, outputDatasetId: 'mine' });
    await startPlannedJob(open(), job.uid, {
      totalRows: 0,
      inputRows: 0,
      rowFormat: 'bare',
      planKey: 'p',
      shards: [],
    });
    expect(await finishJob(open(), job.uid, { files: [newFile('BIJOutputSet.jsonl')] })).toBe(true);
    expect(await findDataset(db, accountId, 'mine')).toMatchObject({ state: 'READY', displayName: 'Rows', sourceJob: job.id });
  });

  test('jobs whose window is over are found while they have not begun to end', async () => {
    const { db } = open();
    const expiresAt = new Date('2020-01-01');
    const [due, ended] = [await makeJob(open(), { expiresAt }), await makeJob(open(), { expiresAt })];
    const young = await makeJob(open(), { expiresAt: new Date('2021-01-01') });
    await endJobEarly(open(), ended.uid, { outcome: 'EXPIRED', statusCode: 'DEADLINE_EXCEEDED', statusMessage: 'late' });
    const found = await listJobsToEnd(db, { now: new Date('2020-06-01'), outputBytes: 1 });
    const ours = found.filter(({ jobUid }) => [due, ended, young].some(({ uid }) => uid === jobUid));
    expect(ours).toMatchObject([{ jobUid: due.uid, outcome: 'EXPIRED', statusCode: 'DEADLINE_EXCEEDED' }]);
  });

  test('deleting a job takes everything of it along', async () => {
    const { db } = open();
    const job = await makePlannedJob(open(), [1]);
    await finish(open(), await takeOneOf(open(), job));
    expect(await deleteJob(db, job.uid)).toBe(true);
    expect(await deleteJob(db, job.uid)).toBe(false);
    expect(await sumProgress(db, job.uid)).toEqual({
      ok: 0,
      failed: 0,
      inputTokens: 0,
      outputTokens: 0,
      cachedTokens: 0,
      bytes: 0,
    });
    expect(await listEvents(db, job.uid)).toEqual([]);
  });

  test('a timeline shows every move and what was noted', async () => {
    const { db } = open();
    const job = await makePlannedJob(open(), [1]);
    await addEvent(db, { jobUid: job.uid, at: AT, kind: 'engine-lost', message: 'gpu-1 is gone.', details: { engine: 'gpu-1' } });
    await finish(open(), await takeOneOf(open(), job));
    expect((await listEvents(db, job.uid)).map(({ message }) => message)).toEqual([
      'VALIDATING',
      'VALIDATING → PENDING',
      'gpu-1 is gone.',
      'PENDING → RUNNING',
      'RUNNING → WRITING_RESULTS',
    ]);
  });

  test('the database knows exactly the states that the rules know', async () => {
    const { rows } = await sql<{
      rule: string;
    }>`select pg_get_constraintdef(oid) as rule from pg_constraint where conname = 'job_state_is_known'`.execute(open().db);
    const known = Array.from(rows[0]?.rule.matchAll(/'([A-Z_]+)'/g) ?? [], ([, state]) => state);
    expect(known.toSorted()).toEqual([...JOB_STATES].toSorted());
  });

  test('a move is made exactly where the rules allow it', async () => {
    const { db } = open();
    const job = await makeJob(open());
    for (const from of JOB_STATES) {
      for (const to of JOB_STATES) {
        await db.updateTable('job').set({ state: from, outcome: 'COMPLETED', endedAt: AT }).where('uid', '=', job.uid).execute();
        const moved = await moveJob(db, job.uid, to, { outcome: 'COMPLETED' });
        expect([from, to, moved?.state]).toEqual([from, to, statesBefore(to).includes(from) ? to : undefined]);
      }
    }
  });

  test('a job that has ended says when, and one that writes results says how it will end', async () => {
    const { db } = open();
    const job = await makeJob(open());
    const set = (changes: { readonly state: 'COMPLETED' | 'WRITING_RESULTS' }) =>
      db.updateTable('job').set(changes).where('uid', '=', job.uid).execute();
    await expect(set({ state: 'COMPLETED' })).rejects.toThrow('job_that_ended_says_when');
    await expect(set({ state: 'WRITING_RESULTS' })).rejects.toThrow('job_that_writes_results_says_how_it_ends');
  });
});
