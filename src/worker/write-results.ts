/** The last step of a job: parts become the files of its output dataset. Run again after a crash, it writes the same bytes. */

import { join } from 'node:path';
import { crashPoint } from '../base/crash-point.ts';
import { OUTPUT_FILES } from '../contract/dataset.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import { findOutcome } from '../db/queries/find-outcome.ts';
import { finishJob } from '../db/queries/finish-job.ts';
import { readPartPages, sumPartBytes } from '../db/queries/list-parts.ts';
import { readFates, UNFINISHED } from '../db/queries/read-fates.ts';
import type { Job } from '../jobs/job.ts';
import { partsPrefix } from '../jobs/object-keys.ts';
import { toUnfinishedRow, UNFINISHED_FILE } from '../jobs/openai-row.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { mergeParts } from './merge-parts.ts';
import { type OutputFile, openOutputFile, type WrittenFile } from './output-file.ts';
import type { Slice } from './slices.ts';
import { tellGain } from './tell-order.ts';
import { readUnfinished } from './unfinished-rows.ts';
import type { WorkerContext } from './worker-context.ts';

/** Writes the results of a job that waits for them, and removes its parts: those too that a kill in between has left. */
export async function writeResults(context: WorkerContext, jobUid: string, signal: AbortSignal): Promise<void> {
  const { store, objects, scratchDir, clock } = context;
  const job = await findJobByUid(store.db, jobUid);
  if (job?.state === 'WRITING_RESULTS') {
    crashPoint('merge.before-files');
    const [parts, bytes] = [readPartPages(store.db, jobUid), await sumPartBytes(store.db, jobUid)];
    const rowCount = Math.max(1, job.inputRows ?? 1);
    const slices = mergeParts({ objects, parts, bytes, rowCount, scratchDir: join(scratchDir, jobUid), signal });
    const { files, hidden } = await writeFiles(objects, jobUid, slices);
    const unfinished = await writeUnfinished(context, job);
    crashPoint('merge.after-files');
    // Of copies no engine evaluated a prompt: what was expected of all rows says nothing about those that were asked.
    if (job.settings.askIdenticalRowsOnce !== true) await tellGain(context, jobUid);
    await finishJob(store, jobUid, { files, hidden: [...hidden, ...unfinished], at: clock.now() });
    crashPoint('finish.after-commit');
  }
  for await (const { key } of objects.list(partsPrefix(jobUid))) await objects.delete([key]);
}

interface Written {
  readonly files: readonly WrittenFile[];
  readonly hidden: readonly WrittenFile[];
}

async function writeFiles(objects: ObjectStore, jobUid: string, slices: AsyncIterable<Slice>): Promise<Written> {
  const success = openOutputFile(objects, { jobUid, name: OUTPUT_FILES.results });
  const failure = openOutputFile(objects, { jobUid, name: OUTPUT_FILES.errors });
  const files = await endOrFail([success, failure], async () => {
    for await (const slice of slices) await (slice.kind === 'success' ? success : failure).write(slice);
  });
  const checkpoints = await Promise.all([success.writeCheckpoints(), failure.writeCheckpoints()]);
  return { files, hidden: checkpoints.filter((file) => file !== undefined) };
}

/** What never ran, as OpenAI's dialect lists it; the other dialect counts it only. */
async function writeUnfinished(context: WorkerContext, job: Job): Promise<readonly WrittenFile[]> {
  const outcome = await findOutcome(context.store.db, job.uid);
  if (outcome === undefined || outcome === 'COMPLETED') return [];
  const fates = await readFates(context.store.db, job);
  if (!fates.includes(UNFINISHED)) return [];
  const file = openOutputFile(context.objects, { jobUid: job.uid, name: UNFINISHED_FILE });
  return endOrFail([file], async () => {
    for await (const id of readUnfinished(context, job, fates)) {
      const bytes = toUnfinishedRow(id, outcome, job.uid);
      await file.write({ bytes, lengths: [bytes.length] });
    }
  });
}

/** A file that was begun must be told how it ends. */
async function endOrFail(files: readonly OutputFile[], write: () => Promise<void>): Promise<readonly WrittenFile[]> {
  try {
    await write();
    return await Promise.all(files.map((file) => file.end()));
  } catch (cause) {
    await Promise.allSettled(files.map((file) => file.fail(cause)));
    throw cause;
  }
}
