/** Datasets as files, and files that come by parts, on both databases. */
import { expect, test } from 'vitest';
import { deleteOutputHalf } from '../../src/db/queries/delete-output-half.ts';
import { deleteUpload } from '../../src/db/queries/delete-upload.ts';
import { endUpload } from '../../src/db/queries/end-upload.ts';
import { insertDerivedDatasets } from '../../src/db/queries/insert-derived-datasets.ts';
import { insertUpload } from '../../src/db/queries/insert-upload.ts';
import { insertUploadPart } from '../../src/db/queries/insert-upload-part.ts';
import { listExpiredDatasets } from '../../src/db/queries/list-expired-datasets.ts';
import { listExpiredUploads } from '../../src/db/queries/list-expired-uploads.ts';
import { type FileRow, listFiles } from '../../src/db/queries/list-files.ts';
import type { Store } from '../../src/db/store.ts';
import { growthOf, UNFINISHED_FILE } from '../../src/jobs/openai-row.ts';
import { describeOnBoth } from './databases.ts';
import { makeAccount, makeJob } from './jobs.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
const NOTHING = async () => {};

/** A dataset that is READY, with files of ten bytes and the given rows by name. */
const makeDataset = async (
  { db }: Store,
  { accountId, id, minute, ...more }: { accountId: string; id: string; minute: number; purpose?: string; expiresAt?: Date },
  rowsByName: Readonly<Record<string, number>> = { 'in.jsonl': 1 },
) => {
  const dataset = { accountId, id, displayName: '', createdBy: 'test', createdAt: at(minute), ...more };
  const files = Object.entries(rowsByName).map(([name, rows]) => ({
    name,
    rows,
    bytes: 10,
    objectKey: `uploads/${accountId}-${id}-${name}`,
    sha256: `sha of ${name}`,
  }));
  await insertDerivedDatasets(db, [{ dataset, files }], NOTHING);
};

const writtenBy = ({ db }: Store, accountId: string, id: string, sourceJob: string) =>
  db.updateTable('dataset').set({ sourceJob }).where('accountId', '=', accountId).where('id', '=', id).execute();

describeOnBoth('files', (open) => {
  test('go on behind any of them, in both orders, though many are of one moment', async () => {
    const accountId = await makeAccount(open());
    for (const [index, id] of ['b', 'a-1', 'a1', 'z', 'a'].entries())
      await makeDataset(open(), { accountId, id, minute: index === 0 ? 1 : 2 });
    await makeDataset(open(), { accountId, id: 'vision', minute: 2, purpose: 'vision' });
    await makeDataset(open(), { accountId, id: 'gone', minute: 2, expiresAt: at(5) });
    const all = (ascending: boolean, after?: FileRow, limit?: number) =>
      listFiles(open().db, { accountId, now: at(5), ascending, after, ...(limit !== undefined && { limit }) });
    const newest = await all(false);
    expect(newest.map(({ datasetId }) => datasetId)).toEqual(['z', 'vision', 'a1', 'a-1', 'a', 'b']);
    expect((await all(true)).toReversed()).toEqual(newest);
    for (const [index, file] of newest.entries()) {
      expect(await all(false, file, 2)).toEqual(newest.slice(index + 1, index + 3));
      expect(await all(true, file)).toEqual(newest.slice(0, index).toReversed());
    }
    const ofPurpose = (purpose: string) => listFiles(open().db, { accountId, now: at(5), purpose });
    expect((await ofPurpose('vision')).map(({ datasetId }) => datasetId)).toEqual(['vision']);
    expect((await ofPurpose('batch')).length).toBe(5);
  });

  test('of what a job wrote are those that hold rows, as large as they become, each deleted alone', async () => {
    const accountId = await makeAccount(open());
    const rows = { 'BIJOutputSet.jsonl': 3, 'BIJOutputSet.jsonl.checkpoints': 0, 'error-data': 2, [UNFINISHED_FILE]: 5 };
    await makeDataset(open(), { accountId, id: 'out', minute: 1 }, rows);
    await makeDataset(open(), { accountId, id: 'none', minute: 1 }, { 'BIJOutputSet.jsonl': 0, 'error-data': 0 });
    await makeDataset(open(), { accountId, id: 'in', minute: 1 }, { 'a.jsonl': 1, 'b.jsonl': 1 });
    for (const id of ['out', 'none']) await writtenBy(open(), accountId, id, 'job');
    const list = async () => {
      const files = await listFiles(open().db, { accountId, now: at(2), ascending: true });
      return files.map(({ datasetId, kind, bytes, filename }) => [datasetId, kind, bytes, filename]);
    };
    const input = ['in', 'rows', 20, null];
    const [answers, errors] = [
      ['out', 'answers', 10 + 3 * growthOf('success'), null],
      ['out', 'errors', 20 + 2 * growthOf('failure'), null],
    ];
    expect(await list()).toEqual([input, answers, errors]);
    const drop = (kind: 'answers' | 'errors') => deleteOutputHalf(open().db, { accountId, datasetId: 'out', kind }, at(3));
    expect((await drop('errors')).length).toBe(2);
    expect(await list()).toEqual([input, answers]);
    expect((await drop('answers')).length).toBe(2);
    expect(await list()).toEqual([input]);
    expect(await drop('answers')).toEqual([]);
  });

  test('that have expired stay while a job reads them', async () => {
    const accountId = await makeAccount(open());
    for (const id of ['free', 'read']) await makeDataset(open(), { accountId, id, minute: 1, expiresAt: at(5) });
    await makeDataset(open(), { accountId, id: 'young', minute: 1, expiresAt: at(6) });
    await makeJob(open(), { accountId, id: 'job', inputDatasetId: 'read' });
    const expired = await listExpiredDatasets(open().db, at(5), 1000);
    expect(expired.filter((dataset) => dataset.accountId === accountId).map(({ id }) => id)).toEqual(['free']);
  });
});

describeOnBoth('uploads', (open) => {
  const begin = async (bytes: number) => {
    const accountId = await makeAccount(open());
    const upload = {
      accountId,
      id: 'upload_a',
      filename: 'in.jsonl',
      bytes,
      purpose: 'batch',
      expiresAfterSeconds: null,
      state: 'pending' as const,
      datasetId: null,
      createdBy: 'test',
      createdAt: at(1),
      expiresAt: at(61),
    };
    await insertUpload(open().db, upload, NOTHING);
    const add = (id: string, minute = 2) => {
      const part = {
        accountId,
        uploadId: 'upload_a',
        id,
        objectKey: `uploads/${accountId}-${id}`,
        bytes: 10,
        createdAt: at(minute),
      };
      return insertUploadPart(open().db, part, { parts: 3, bytes: 25 });
    };
    return { upload, add };
  };

  test('take parts up to what is allowed, however many come at once, and none after their hour', async () => {
    const { upload, add } = await begin(20);
    const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((id) => add(id)));
    expect(outcomes.toSorted()).toEqual(['added', 'added', 'too-much', 'too-much']);
    expect(await add('e', 61)).toBe('not-waiting');
    const mine = async (minute: number) =>
      (await listExpiredUploads(open().db, at(minute), 1000)).filter(({ accountId }) => accountId === upload.accountId);
    expect([await mine(60), (await mine(61)).length]).toEqual([[], 1]);
    expect((await deleteUpload(open().db, upload)).length).toBe(2);
    expect(await add('f')).toBe('not-waiting');
  });

  test('end once, whoever asks', async () => {
    const { upload, add } = await begin(10);
    const end = (datasetId: string) => endUpload(open().db, upload, { state: 'completed', datasetId, now: at(2) });
    const ends = await Promise.all([
      end('a'),
      end('b'),
      endUpload(open().db, upload, { state: 'cancelled', now: at(2) }),
      endUpload(open().db, upload, { state: 'cancelled', now: at(61) }),
    ]);
    expect(ends.filter((one) => one !== undefined).length).toBe(1);
    expect(await add('late')).toBe('not-waiting');
  });
});
