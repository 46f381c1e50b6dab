import { sql } from 'kysely';
import type { Job } from '../../jobs/job.ts';
import type { PartClaim } from '../../jobs/leases.ts';
import { formatRanges } from '../../jobs/ranges.ts';
import type { Store, Tx } from '../store.ts';
import type { Waiting } from './line-up.ts';
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
  /** What the rows will take, by model. */
  readonly planned?: Job['planned'];
  readonly planKey: string;
  /** Where the list of bad lines is, when there are any. */
  readonly reportKey?: string | null;
  /** Parts that are true from the start, each all of one of the first shards, in order. */
  readonly parts?: readonly PartClaim[];
  /** Those that have to run, in order; each begins where the one before ends. Those of one model follow each other. */
  readonly shards: readonly PlannedShard[];
}

/** Gives a planned job its shards, and a place in the line to those that have to run; without any it goes on to its results. False when the job is no longer VALIDATING. */
export async function startPlannedJob(
  { db, queue }: Pick<Store, 'db' | 'queue'>,
  uid: string,
  plan: PlannedJob,
): Promise<boolean> {
  const { shards, parts = [], ...facts } = plan;
  return db.transaction().execute(async (tx) => {
    const shardCount = parts.length + shards.length;
    const started = await moveJob(tx, uid, 'PENDING', { ...facts, shardCount });
    if (started === undefined) return false;
    await insertParts(tx, uid, parts);
    if (shards.length === 0) {
      await moveJob(tx, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
      await queue.add('merge', [{ jobUid: uid }], { tx });
      return true;
    }
    await insertShards(tx, uid, { shards, before: parts.length });
    await queue.lineUp(tx, toWaiting(started, plan));
    return true;
  });
}

/** The shards of each model wait in a line of their own: a model whose engines are away holds up nothing else. */
function toWaiting(job: Job, { parts = [], shards }: PlannedJob): readonly Waiting[] {
  const { uid: jobUid, accountId, updatedAt: from, expiresAt: until } = job;
  const indexes = shards.map(({ model = job.model }, place) => ({ lane: model, index: parts.length + place }));
  return Array.from(
    Map.groupBy(indexes, ({ lane }) => lane),
    ([lane, own]) => {
      const [first = { index: 0 }] = own;
      return { jobUid, lane, accountId, next: first.index, last: first.index + own.length - 1, from, until };
    },
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
