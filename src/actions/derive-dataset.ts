/** Datasets made of other ones: a copy, or pieces of so many rows. They have bytes of their own, so the source may be deleted. */
import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { type DerivedDataset, insertDerivedDatasets } from '../db/queries/insert-derived-datasets.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Dataset } from '../db/schema.ts';
import type { RowFilter } from '../jobs/row-filter.ts';
import { inBlocks } from '../jsonl/in-blocks.ts';
import type { Caller, Context } from './context.ts';
import type { DatasetWish } from './create-dataset.ts';
import { getDataset } from './get-dataset.ts';
import { checkedId } from './own-id.ts';
import { checkQuota, measureRoom } from './quotas.ts';
import { readLines } from './read-lines.ts';
import { type StoredFile, storeFile } from './store-file.ts';

/** The fewest rows that a piece may have, as on the original system, and the most pieces that one call makes. */
const LEAST_ROWS = 200;
const MOST_CHUNKS = 1_000;

/** What came of a split. */
export interface SplitDataset {
  readonly datasetIds: readonly string[];
  readonly rows: number;
}

/** What is to be copied. */
export interface CopyWish extends DatasetWish {
  readonly sourceDatasetId: string;
  /** Which rows, in the caller's words; empty for all. */
  readonly filter: string;
  /** The same as a test of a line. */
  readonly keeps: RowFilter;
}

/** Makes a dataset with the files of another one, or with those of their rows that a filter keeps. */
export async function copyDataset(
  context: Context,
  caller: Caller,
  { sourceDatasetId, filter, keeps, ...wish }: CopyWish,
): Promise<Dataset> {
  const id = checkedId(wish.id, { collection: 'datasets' });
  const source = await getReady(context, caller, sourceDatasetId);
  const originals = await listDatasetFiles(context.store.db, source.accountId, source.id);
  await keepOrDrop(context, caller, async (stored) => {
    const files = [];
    for (const { name, objectKey } of originals) {
      const kept = { accountId: source.accountId, datasetId: source.id, name };
      const body = filter === '' ? await context.objects.get(objectKey) : inBlocks(linesKept(readLines(context, kept), keeps));
      files.push({ ...(await stored(body)), name });
    }
    if (files.every(({ rows }) => rows === 0)) throw nothingKept(filter);
    const transformed = { sourceDatasetId: nameOf(source), filter, originalFormat: source.format };
    const { displayName = '', format = source.format } = wish;
    return [{ dataset: newDataset(context, caller, { id, displayName, format, origin: { transformed } }), files }];
  });
  return getDataset(context, caller, id);
}

/** Cuts a dataset into others of so many rows, in order; the last one has what is left. */
export async function splitDataset(
  context: Context,
  caller: Caller,
  { datasetId, rowsEach }: { readonly datasetId: string; readonly rowsEach: number },
): Promise<SplitDataset> {
  const source = await getReady(context, caller, datasetId);
  const chunks = Math.ceil((source.rows ?? 0) / rowsEach);
  if (rowsEach < LEAST_ROWS) throw tooSmall(rowsEach);
  if (chunks > MOST_CHUNKS) throw tooMany(chunks);
  const lines = readLines(context, { accountId: source.accountId, datasetId: source.id });
  const datasetIds: string[] = [];
  let rows = 0;
  await keepOrDrop(context, caller, async (stored) => {
    const derived: DerivedDataset[] = [];
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      const file = await stored(inBlocks(takeLines(next.value, lines, rowsEach)));
      const id = chunkId(source.id, derived.length + 1);
      const origin = { splitted: { sourceDatasetId: nameOf(source) } };
      const dataset = newDataset(context, caller, { id, displayName: '', format: source.format, origin });
      derived.push({ dataset, files: [{ ...file, name: `${id}.jsonl` }] });
      datasetIds.push(id);
      rows += file.rows;
    }
    return derived;
  });
  return { datasetIds, rows };
}

type Store = (body: AsyncIterable<Uint8Array>) => Promise<StoredFile>;

/** Stores files, then makes the datasets that own them; whatever goes wrong leaves nothing behind. */
async function keepOrDrop(
  context: Context,
  { accountId }: Caller,
  derive: (stored: Store) => Promise<readonly DerivedDataset[]>,
): Promise<void> {
  const quota = { accountId, id: 'dataset-bytes' } as const;
  const objectKeys: string[] = [];
  try {
    const { left, exceeded } = await measureRoom(context, context.store.db, quota);
    let bytes = left;
    const derived = await derive(async (body) => {
      const file = await storeFile(context, body, { bytes, exceeded });
      objectKeys.push(file.objectKey);
      bytes -= file.bytes;
      return file;
    });
    await insertDerivedDatasets(context.store.db, derived, (tx) => checkQuota(context, tx, { ...quota, adding: 0 }));
  } catch (cause) {
    await context.objects.delete(objectKeys);
    throw cause;
  }
}

const LINE_END = Buffer.from('\n');

async function* linesKept(lines: AsyncIterable<Buffer>, keeps: RowFilter): AsyncGenerator<Buffer> {
  for await (const line of lines) if (keeps(line)) yield Buffer.concat([line, LINE_END]);
}

async function* takeLines(first: Buffer, others: AsyncIterator<Buffer>, count: number): AsyncGenerator<Buffer> {
  yield Buffer.concat([first, LINE_END]);
  for (let taken = 1; taken < count; taken += 1) {
    const next = await others.next();
    if (next.done === true) return;
    yield Buffer.concat([next.value, LINE_END]);
  }
}

const newDataset = (
  { clock }: Context,
  { accountId, name }: Caller,
  facts: Pick<Dataset, 'id' | 'displayName' | 'format' | 'origin'>,
): DerivedDataset['dataset'] => ({ ...facts, accountId, createdBy: name, createdAt: clock.now() });

/** `in-01-chunk-3`, shortened where that would be too long for an id. */
const chunkId = (sourceId: string, number: number): string => {
  const end = `-chunk-${number}`;
  return `${sourceId.slice(0, 63 - end.length)}${end}`;
};

const nameOf = ({ accountId, id }: Dataset): string => makeName(accountId, 'datasets', id);

async function getReady(context: Context, caller: Caller, name: string): Promise<Dataset> {
  const dataset = await getDataset(context, caller, name);
  if (dataset.state === 'READY') return dataset;
  throw new Problem('FAILED_PRECONDITION', `Dataset "${dataset.id}" is ${dataset.state}: upload its files first.`, {
    reason: 'DATASET_NOT_READY',
  });
}

const nothingKept = (filter: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `No row is kept by the filter ${filter}. Fields are paths into a row, such as custom_id or body.temperature; look at some with :preview.`,
    { reason: 'DATASET_EMPTY', details: { field: 'filter' } },
  );

const tooSmall = (rows: number): Problem =>
  new Problem('INVALID_ARGUMENT', `chunkSize must be at least ${LEAST_ROWS} rows, got ${rows}.`, {
    reason: 'CHUNK_TOO_SMALL',
    details: { field: 'chunkSize', least: LEAST_ROWS },
  });

const tooMany = (chunks: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `That would make ${chunks} datasets, and ${MOST_CHUNKS} is the most. Choose a larger chunkSize.`,
    {
      reason: 'TOO_MANY_CHUNKS',
      details: { field: 'chunkSize', most: MOST_CHUNKS },
    },
  );
