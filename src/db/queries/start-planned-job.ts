import { sql } from 'kysely';
import type { Job } from '../../jobs/job.ts';
import type { PartClaim } from '../../jobs/leases.ts';
import { formatRanges } from '../../jobs/ranges.ts';
import type { Store, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

export interface PlannedShard {
  readonly first: number;
  readonly count: number;
  /** Full name of its rows' model, where the job's rows name several. */
  readonly model?: string;
}

export interface PlannedJob {
  /** The one model of all rows, where the job left it to them; empty where they name several. */
  readonly model?: string;
  readonly precision?: string;
  readonly totalRows: number;
  readonly inputRows: number;
  readonly rowFormat: Job['rowFormat'];
  readonly planKey: string;
  /** Where the list of bad lines is, when there are any. */
  readonly reportKey?: string | null;
  /** Parts that are true from the start, each all of one of the first shards, in order. */
  readonly parts?: readonly PartClaim[];
  /** Those that have to run, in order; each begins where the one before ends. Those of one model follow each other. */
  readonly shards: readonly PlannedShard[];
  /** How many shards of the job are in the queue at a time; of each of its models, when it has several. */
  readonly windowSize: number;
}

/** Gives a planned job its shards and queues the first of those that have to run; without any it goes on to its results. False when the job is no longer VALIDATING. */
export async function startPlannedJob(
  { db, queue }: Pick<Store, 'db' | 'queue'>,
  uid: string,
  plan: PlannedJob,
): Promise<boolean> {
  const { shards, parts = [], windowSize, ...facts } = plan;
  return db.transaction().execute(async (tx) => {
    const shardCount = parts.length + shards.length;
    const first = firstShards(plan);
    const nextShard = (first.at(-1) ?? shardCount - 1) + 1;
    const started = await moveJob(tx, uid, 'PENDING', { ...facts, windowSize, nextShard, shardCount });
    if (started === undefined) return false;
    await insertParts(tx, uid, parts);
    if (shards.length === 0) {
      await moveJob(tx, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
      await queue.add('merge', [{ jobUid: uid }], { tx });
      return true;
    }
    await insertShards(tx, uid, { shards, before: parts.length });
    await queue.add(
      'shard',
      first.map((shard) => ({ jobUid: uid, shard })),
      { tx },
    );
    return true;
  });
}

/** Those that enter the queue at once: a window of each model's. A model whose engines are away holds up its own shards alone. */
function firstShards({ parts = [], shards, windowSize }: PlannedJob): readonly number[] {
  const indexes = shards.map(({ model }, place) => ({ model, index: parts.length + place }));
  return [...Map.groupBy(indexes, ({ model }) => model).values()].flatMap((own) =>
    own.slice(0, windowSize).map(({ index }) => index),
  );
}

/** One statement whatever their number. */
const insertShards = (
  tx: Tx,
  uid: string,
  { shards, before }: { readonly shards: PlannedJob['shards']; readonly before: number },
): Promise<unknown> =>
  sql`
    insert into shard (job_uid, index, first, count, model)
    select ${uid}::uuid, ${before}::int + place - 1, first, count, model
      from rows from (jsonb_to_recordset(${JSON.stringify(shards)}::jsonb) as (first int, count int, model text))
           with ordinality as planned (first, count, model, place)
  `.execute(tx);

/** A statement takes 65,535 parameters. */
const PARTS_AT_ONCE = 1_000;

/** Their shards are settled: nobody ever leases them. */
async function insertParts(tx: Tx, uid: string, parts: readonly PartClaim[]): Promise<void> {
  if (parts.length === 0) return;
  const shards = parts.map(({ shard, rows }) => ({ index: shard, ranges: formatRanges(rows) }));
  await sql`
    insert into shard (job_uid, index, first, count, done, settled)
    select ${uid}::uuid, index, lower(ranges), upper(ranges) - lower(ranges), ranges, true
      from jsonb_to_recordset(${JSON.stringify(shards)}::jsonb) as settled (index int, ranges int4multirange)
  `.execute(tx);
  const values = parts.map((part) => ({ ...part, rows: formatRanges(part.rows), failedRows: formatRanges(part.failedRows) }));
  for (let first = 0; first < values.length; first += PARTS_AT_ONCE)
    await tx
      .insertInto('part')
      .values(values.slice(first, first + PARTS_AT_ONCE))
      .execute();
}
