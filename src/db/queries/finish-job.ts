import { Problem } from '../../base/problem.ts';
import type { DatasetFile } from '../schema.ts';
import type { Store, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

export interface FinishedJob {
  /** The files of the output dataset; with none there is no dataset. */
  readonly files: readonly Omit<DatasetFile, 'accountId' | 'datasetId' | 'createdAt'>[];
  /** Further files of it that its owner isn't shown. */
  readonly hidden?: FinishedJob['files'];
  readonly at?: Date;
}

interface Output {
  readonly accountId: string;
  readonly outputDatasetId: string;
  readonly id: string;
  readonly createdBy: string;
  readonly outputExpiresAfterSeconds: number | null;
}

/** Ends a job whose results are written: its output dataset appears and the job has its outcome, both at once. False when it has ended already. */
export async function finishJob(
  { db }: Pick<Store, 'db'>,
  uid: string,
  { files, hidden = [], at = new Date() }: FinishedJob,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const job = await tx
      .selectFrom('job')
      .select(['accountId', 'id', 'createdBy', 'outputDatasetId', 'outputExpiresAfterSeconds', 'state', 'outcome'])
      .where('uid', '=', uid)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (job?.state !== 'WRITING_RESULTS' || job.outcome === null) return false;
    if (files.length > 0) await writeOutput(tx, job, { files, hidden, at });
    return (await moveJob(tx, uid, job.outcome, { updatedAt: at })) !== undefined;
  });
}

async function writeOutput(
  tx: Tx,
  { accountId, outputDatasetId, id, createdBy, outputExpiresAfterSeconds: lifeSeconds }: Output,
  { files, hidden, at }: Required<FinishedJob>,
): Promise<void> {
  const contents = {
    state: 'READY' as const,
    sourceJob: id,
    bytes: sum(files, 'bytes'),
    rows: sum(files, 'rows'),
    updatedAt: at,
    expiresAt: lifeSeconds === null ? null : new Date(at.getTime() + lifeSeconds * 1000),
  };
  const written = await tx
    .insertInto('dataset')
    .values({ ...contents, accountId, id: outputDatasetId, displayName: '', declaredRows: null, createdBy, createdAt: at })
    .onConflict((conflict) =>
      conflict.columns(['accountId', 'id']).doUpdateSet(contents).where('dataset.state', '=', 'UPLOADING'),
    )
    .returning('id')
    .executeTakeFirst();
  if (written === undefined) throw outputTaken(outputDatasetId);
  const owner = { accountId, datasetId: outputDatasetId, createdAt: at };
  await tx
    .insertInto('datasetFile')
    .values([...files.map((file) => ({ ...file, ...owner })), ...hidden.map((file) => ({ ...file, ...owner, hidden: true }))])
    .execute();
}

const sum = (files: FinishedJob['files'], field: 'bytes' | 'rows'): number =>
  files.reduce((total, file) => total + file[field], 0);

/** Names are given out under the account's lock, so only an upload into an empty dataset that was named as output comes here. */
const outputTaken = (id: string): Problem =>
  new Problem(
    'ALREADY_EXISTS',
    `The output dataset "${id}" got files of its own while the job ran. Delete it, and the job will write its results.`,
    {
      reason: 'OUTPUT_DATASET_EXISTS',
      details: { datasetId: id },
    },
  );
