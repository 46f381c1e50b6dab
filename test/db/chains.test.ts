/** Statements about several jobs, datasets and objects at once, on both databases. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { addDatasetFile } from '../../src/db/queries/add-dataset-file.ts';
import { addEvent } from '../../src/db/queries/add-event.ts';
import { announceFiles } from '../../src/db/queries/announce-files.ts';
import { countJobsAhead } from '../../src/db/queries/count-jobs-ahead.ts';
import { insertDataset } from '../../src/db/queries/insert-dataset.ts';
import { listDatasetFiles } from '../../src/db/queries/list-dataset-files.ts';
import { listLatestEvents } from '../../src/db/queries/list-latest-events.ts';
import { listLineage } from '../../src/db/queries/list-lineage.ts';
import { listOwnedObjects } from '../../src/db/queries/list-owned-objects.ts';
import { sealFiles } from '../../src/db/queries/seal-files.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import { describeOnBoth } from './databases.ts';
import { finish, listParts, makeAccount, makeJob, stateOf, takeOf } from './jobs.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

describeOnBoth('chains', (open) => {
  test('a lineage is the whole family, parents first, and no stranger of the same name', async () => {
    const accountId = await makeAccount(open());
    const make = (id: string, minute: number, continuedFrom: string | null, inputDatasetId = 'in') =>
      makeJob(open(), { accountId, id, createdAt: at(minute), continuedFrom, inputDatasetId });
    await make('a', 1, null);
    await make('b', 2, 'a');
    await make('c', 3, 'b');
    await make('aunt', 3, 'a');
    await make('same-moment', 3, 'c');
    await make('other-input', 4, 'b', 'elsewhere');
    await make('younger-than-its-child', 9, null);
    await make('orphan', 5, 'younger-than-its-child');
    const idsOf = async (id: string) => (await listLineage(open().db, accountId, id)).map((job) => job.id);
    for (const id of ['a', 'c', 'aunt']) expect(await idsOf(id)).toEqual(['a', 'b', 'aunt', 'c', 'same-moment']);
    expect(await idsOf('orphan')).toEqual(['orphan']);
    expect(await idsOf('other-input')).toEqual(['other-input']);
    expect(await listLineage(open().db, 'somebody-else', 'a')).toEqual([]);
  });

  test('a plan may begin with parts that are true already, and only the rest is handed out', async () => {
    const job = await makeJob(open());
    const claim = { jobUid: job.uid, epoch: 0, ok: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0, bytes: 10 };
    const part = (shard: number, first: number, end: number) => ({
      ...claim,
      shard,
      objectKey: `parts/invalid-${shard}`,
      rows: [[first, end]] as const,
      failedRows: [[first, end]] as const,
      failed: end - first,
    });
    const plan = {
      totalRows: 8,
      inputRows: 8,
      rowFormat: 'fireworks',
      planKey: 'plan',
      reportKey: 'report',
    } as const;
    const shards = [
      { first: 3, count: 2 },
      { first: 5, count: 3 },
    ];
    expect(await startPlannedJob(open(), job.uid, { ...plan, parts: [part(0, 0, 2), part(1, 2, 3)], shards })).toBe(true);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 0, failed: 3, bytes: 20 });
    expect(await listParts(open().db, job.uid)).toMatchObject([{ shard: 0, rows: [[0, 2]], failedRows: [[0, 2]] }, { shard: 1 }]);
    const leases = await takeOf(open(), job);
    expect(leases.map(({ shard, first }) => [shard, first])).toEqual([
      [2, 3],
      [3, 5],
    ]);
    for (const lease of leases) await finish(open(), lease);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'COMPLETED' });
  });

  test('jobs know how many of their account come before them, and what was noted last', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const [first, second] = [
      await makeJob(open(), { accountId, createdAt: at(1) }),
      await makeJob(open(), { accountId, createdAt: at(2) }),
    ];
    const other = await makeJob(open(), { createdAt: at(3) });
    const ahead = await countJobsAhead(db, [first.uid, second.uid, other.uid]);
    expect([first, second, other].map(({ uid }) => ahead.get(uid))).toEqual([0, 1, 0]);
    for (const [minute, kind] of [
      [1, 'engine-lost'],
      [2, 'engine-back'],
      [3, 'paused'],
    ] as const)
      await addEvent(db, { jobUid: first.uid, at: at(minute), kind, message: `${kind}\0` });
    const latest = await listLatestEvents(db, [first.uid, second.uid], ['engine-lost', 'engine-back']);
    expect([...latest]).toEqual([[first.uid, expect.objectContaining({ kind: 'engine-back', message: 'engine-back\ufffd' })]]);
    expect([await countJobsAhead(db, []), await listLatestEvents(db, [], ['paused'])]).toEqual([new Map(), new Map()]);
  });

  test('files that were announced come one by one, in the order of their bytes', async () => {
    const { db } = open();
    const accountId = await makeAccount(open());
    const dataset = { accountId, id: 'files' };
    await insertDataset(db, { ...dataset, displayName: '', createdBy: 'ada', createdAt: at(0) });
    const sizes = { 'b.jsonl': 2, 'B.jsonl': 3, 'é.jsonl': 4 };
    expect(await announceFiles(db, dataset, { sizes, limitBytes: 8, check: async () => {} })).toBe('too-large');
    expect(await announceFiles(db, dataset, { sizes, limitBytes: 9, check: async () => {} })).toBe('announced');
    const file = (name: string, bytes: number, objectKey: string = randomUUID()) => ({
      accountId,
      datasetId: 'files',
      name,
      objectKey,
      bytes,
      rows: 1,
      sha256: 'x',
      createdAt: at(1),
    });
    expect(await addDatasetFile(db, file('b.jsonl', 3))).toEqual({ added: false, replaced: [] });
    expect(await addDatasetFile(db, file('other', 2))).toEqual({ added: false, replaced: [] });
    expect(await addDatasetFile(db, file('b.jsonl', 2, 'uploads/old'))).toEqual({ added: true, replaced: [] });
    expect(await addDatasetFile(db, file('b.jsonl', 2, 'uploads/new'))).toEqual({ added: true, replaced: ['uploads/old'] });
    expect(await sealFiles(db, dataset, at(2))).toEqual({
      kind: 'missing',
      names: expect.arrayContaining(['B.jsonl', 'é.jsonl']),
    });
    await addDatasetFile(db, file('é.jsonl', 4));
    await addDatasetFile(db, file('B.jsonl', 3));
    expect([await sealFiles(db, dataset, at(2)), await sealFiles(db, dataset, at(2))]).toEqual([
      { kind: 'sealed' },
      { kind: 'not-waiting' },
    ]);
    expect((await listDatasetFiles(db, accountId, 'files')).map(({ name }) => name)).toEqual(['B.jsonl', 'b.jsonl', 'é.jsonl']);
    expect(await listOwnedObjects(db, ['uploads/new', 'uploads/old'])).toEqual(new Set(['uploads/new']));
  });
});
