/** Removes a job and everything it leaves except its output dataset, which is a dataset of its own. */
import { deleteJob as deleteJobRow } from '../db/queries/delete-job.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import { listDeletedJobs } from '../db/queries/list-deleted-jobs.ts';
import { moveJob } from '../db/queries/move-job.ts';
import type { Job } from '../jobs/job.ts';
import { jobPrefix, outputPrefix } from '../jobs/object-keys.ts';
import { isFinal } from '../jobs/states.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Caller, Context } from './context.ts';
import { getJob } from './get-job.ts';

/** How long a deleted job's workers get to notice, which takes them a second, and to finish what they are writing. */
const GRACE_MS = 5_000;

/** Deletes a job: one that has ended is gone at once; a running one reads DELETING_CLEANING_UP until `cleanUpDeletedJobs` gets to it. */
export async function deleteJob(context: Context, caller: Caller, name: string): Promise<void> {
  const job = await getJob(context, caller, name);
  await moveJob(context.store.db, job.uid, 'DELETING_CLEANING_UP', { updatedAt: context.clock.now() });
  if (isFinal(job.state)) await cleanUp(context, job);
}

/** Upkeep: finishes deletions whose workers have had time to notice. Safe to repeat and to interrupt. Answers how many jobs are gone. */
export async function cleanUpDeletedJobs(context: Context, graceMs = GRACE_MS): Promise<number> {
  const before = new Date(context.clock.now().getTime() - graceMs);
  const jobs = await listDeletedJobs(context.store.db, before);
  for (const job of jobs) await cleanUp(context, job);
  return jobs.length;
}

/** The row goes last: as long as it is there, the rest will be tried again. */
const cleanUp = async ({ store, objects }: Context, job: Job): Promise<void> => {
  await deletePrefix(objects, jobPrefix(job.uid));
  const dataset = await findDataset(store.db, job.accountId, job.outputDatasetId);
  const files = dataset === undefined ? [] : await listDatasetFiles(store.db, job.accountId, dataset.id);
  if (!files.some(({ objectKey }) => objectKey.startsWith(outputPrefix(job.uid))))
    await deletePrefix(objects, outputPrefix(job.uid));
  await deleteJobRow(store.db, job.uid);
};

const deletePrefix = async (objects: ObjectStore, prefix: string): Promise<void> => {
  for await (const { key } of objects.list(prefix)) await objects.delete([key]);
};
