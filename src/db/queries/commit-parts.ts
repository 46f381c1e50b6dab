import { sql } from 'kysely';
import type { PartClaim } from '../../jobs/leases.ts';
import { formatRanges } from '../../jobs/ranges.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

export interface CommittedShare {
  readonly jobUid: string;
  readonly shard: number;
}

/** A job that a user has just cancelled still takes what its workers have finished. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'CANCELLING'];

/**
 * Makes parts true: one statement, so either a share counts and its rows are done, or neither. A share is left out when its epoch is not the
 * shard's, when one of its rows is done already, or when the job has ended. No two claims of one call may be about the same shard.
 */
export async function commitParts(db: Db, claims: readonly PartClaim[]): Promise<readonly CommittedShare[]> {
  const { rows } = await sql<CommittedShare>`
    with claim as (
      select * from jsonb_to_recordset(${JSON.stringify(claims.map(toRecord))}::jsonb) as claim (
        "jobUid" uuid, shard int, epoch int, "objectKey" text, rows int4multirange, "failedRows" int4multirange,
        ok int, failed int, "inputTokens" bigint, "outputTokens" bigint, "cachedTokens" bigint, bytes bigint
      )
    ), held as (
      update shard set done = shard.done + claim.rows
        from claim join job on job.uid = claim."jobUid"
       where shard.job_uid = claim."jobUid" and shard.index = claim.shard and shard.epoch = claim.epoch
         and not shard.settled and not shard.done && claim.rows and job.state = any (${OPEN}::text[])
      returning claim.*
    )
    insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes)
    select "jobUid", shard, epoch, "objectKey", rows, "failedRows", ok, failed, "inputTokens", "outputTokens", "cachedTokens", bytes from held
    returning job_uid, shard
  `.execute(db);
  return rows;
}

const toRecord = (claim: PartClaim) => ({ ...claim, rows: formatRanges(claim.rows), failedRows: formatRanges(claim.failedRows) });
