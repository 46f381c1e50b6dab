import { sql } from 'kysely';
import type { PartClaim } from '../../jobs/leases.ts';
import { formatRanges } from '../../jobs/ranges.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

/** A job that a user has just paused or cancelled still takes what its workers have finished. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED', 'CANCELLING'];

/**
 * Makes parts true: one statement, so either a claim counts and its rows are done, or neither. A claim is refused when its epoch is not the
 * shard's, when one of its rows is done already, when the job has ended, or when an earlier claim of the same call took the shard.
 */
export async function commitParts(db: Db, claims: readonly PartClaim[]): Promise<readonly boolean[]> {
  const { rows } = await sql<{ readonly place: number }>`
    with claim as (
      select * from jsonb_to_recordset(${JSON.stringify(claims.map(toRecord))}::jsonb) as claim (
        place int, "jobUid" uuid, shard int, epoch int, "objectKey" text, rows int4multirange, "failedRows" int4multirange,
        ok int, failed int, "inputTokens" bigint, "outputTokens" bigint, "cachedTokens" bigint, bytes bigint
      )
    ), held as (
      update shard set done = shard.done + claim.rows
        from claim join job on job.uid = claim."jobUid"
       where shard.job_uid = claim."jobUid" and shard.index = claim.shard and shard.epoch = claim.epoch
         and not shard.settled and not shard.done && claim.rows and job.state = any (${OPEN}::text[])
      returning claim.*
    ), added as (
      insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes)
      select "jobUid", shard, epoch, "objectKey", rows, "failedRows", ok, failed, "inputTokens", "outputTokens", "cachedTokens", bytes from held
    )
    select place from held
  `.execute(db);
  const accepted = new Set(rows.map(({ place }) => place));
  return claims.map((_, place) => accepted.has(place));
}

const toRecord = (claim: PartClaim, place: number) => ({
  ...claim,
  place,
  rows: formatRanges(claim.rows),
  failedRows: formatRanges(claim.failedRows),
});
