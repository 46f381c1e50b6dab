/** The chain of continued jobs behind an output dataset: its datasets, and its results as one stream. */
import { Problem } from '../base/problem.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listLineage } from '../db/queries/list-lineage.ts';
import type { Dataset } from '../db/schema.ts';
import type { Job } from '../jobs/job.ts';
import type { Context } from './context.ts';
import { type MergedRow, mergeInInputOrder } from './merge-outputs.ts';

type StoreContext = Pick<Context, 'store' | 'objects'>;

/** The jobs behind a dataset, oldest first; none for one that no job wrote, or whose job is gone. */
async function listLineageJobs({ store }: StoreContext, dataset: Dataset): Promise<readonly Job[]> {
  if (dataset.sourceJob === null) return [];
  const jobs = await listLineage(store.db, dataset.accountId, dataset.sourceJob);
  // Another job may have got the name since.
  return jobs.some(({ id, outputDatasetId }) => id === dataset.sourceJob && outputDatasetId === dataset.id) ? jobs : [];
}

/** The output datasets of the chain that are there, oldest first; of a dataset without a chain only itself. */
export async function listLineageDatasets(context: StoreContext, dataset: Dataset): Promise<readonly Dataset[]> {
  const jobs = await listLineageJobs(context, dataset);
  const outputs = await Promise.all(jobs.map((job) => findOutput(context, job)));
  const found = outputs.filter((output) => output !== undefined);
  return found.length === 0 ? [dataset] : found;
}

/** Every row that a job of the chain has got to, once, in input order; refused before the first row, or not at all. */
export async function mergeLineage(context: StoreContext, dataset: Dataset): Promise<AsyncIterable<MergedRow>> {
  return mergeInInputOrder(context, await checkMergeable(context, dataset));
}

/** Refuses a dataset whose chain can't be joined; answers the chain. */
export async function checkMergeable(context: StoreContext, dataset: Dataset): Promise<readonly Job[]> {
  const jobs = await listLineageJobs(context, dataset);
  const [first] = jobs;
  if (first === undefined) throw noChain(dataset.id);
  const input = await findDataset(context.store.db, first.accountId, first.inputDatasetId);
  if (input?.state === 'READY' && input.createdAt <= first.createdAt) return jobs;
  throw inputGone(first);
}

const findOutput = async ({ store }: StoreContext, { id, accountId, outputDatasetId }: Job): Promise<Dataset | undefined> => {
  const output = await findDataset(store.db, accountId, outputDatasetId);
  return output?.sourceJob === id ? output : undefined;
};

const noChain = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${id}" can't be merged: no job that is still there wrote it.`, {
    reason: 'NO_LINEAGE',
  });

const inputGone = ({ inputDatasetId }: Job): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The results can't be merged: their input "${inputDatasetId}" was deleted, which gives their order. Download them with downloadLineage instead.`,
    { reason: 'INPUT_DELETED' },
  );
