import { sql } from 'kysely';
import type { PartClaim } from '../../jobs/leases.ts';
import { formatRanges } from '../../jobs/ranges.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

/** A job that a user has just paused or cancelled still takes what its workers have finished. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED', 'CANCELLING'];

/**
 * Makes parts true: one statement, so either a claim counts and its rows are done, or neither. A claim is refused when its epoch is not the
 * shard's, when one of its rows is done already, or when the job has ended. One that is true already, as its first
 * answer was lost, is accepted again.
 */
export async function commitParts(db: Db, claims: readonly PartClaim[]): Promise<readonly boolean[]> {
  const records = claims.map(toRecord);
  const accepted = new Set<number>();
  // A statement takes one claim on a shard: those beside it have the next.
  for (let open = records; open.length > 0; ) {
    const places = await insertParts(db, open);
    const changed = new Set(open.filter(({ place }) => places.has(place)).map(toShard));
    for (const place of places) accepted.add(place);
    open = open.filter((claim) => !accepted.has(claim.place) && changed.has(toShard(claim)));
  }
  const rest = records.filter(({ place }) => !accepted.has(place));
  // Asked afterwards: a statement does not see what was committed while it waited for a lock.
  const known = rest.length === 0 ? accepted : await findParts(db, rest);
  return claims.map((_, place) => accepted.has(place) || known.has(place));
}

/** Answers the places of those that became true just now. Shards are locked in one order, or two calls could wait for each other. */
async function insertParts(db: Db, claims: readonly ClaimRecord[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ readonly place: number }>`
    with claim as (
      select * from jsonb_to_recordset(${JSON.stringify(claims)}::jsonb) as claim (
        place int, "jobUid" uuid, shard int, epoch int, "objectKey" text, rows int4multirange, "failedRows" int4multirange,
        ok int, failed int, "inputTokens" bigint, "outputTokens" bigint, "cachedTokens" bigint, bytes bigint
      )
    ), locked as (
      select job_uid, index from shard where (job_uid, index) in (select "jobUid", shard from claim)
       order by job_uid, index for no key update
    ), held as (
      update shard set done = shard.done + claim.rows
        from claim join job on job.uid = claim."jobUid" join locked on locked.job_uid = claim."jobUid" and locked.index = claim.shard
       where shard.job_uid = claim."jobUid" and shard.index = claim.shard and shard.epoch = claim.epoch
         and not shard.settled and not shard.done && claim.rows and job.state = any (${OPEN}::text[])
      returning claim.*
    ), added as (
      insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes)
      select "jobUid", shard, epoch, "objectKey", rows, "failedRows", ok, failed, "inputTokens", "outputTokens", "cachedTokens", bytes from held
    )
    select place from held
  `.execute(db);
  return new Set(rows.map(({ place }) => place));
}

/** Answers the places of those that are true. */
async function findParts(db: Db, claims: readonly ClaimRecord[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ readonly place: number }>`
    select claim.place
      from jsonb_to_recordset(${JSON.stringify(claims)}::jsonb) as claim (place int, "jobUid" uuid, shard int, epoch int, "objectKey" text)
      join part on part.job_uid = claim."jobUid" and part.shard = claim.shard and part.epoch = claim.epoch and part.object_key = claim."objectKey"
  `.execute(db);
  return new Set(rows.map(({ place }) => place));
}

type ClaimRecord = ReturnType<typeof toRecord>;

const toShard = ({ jobUid, shard }: ClaimRecord): string => `${jobUid}/${shard}`;

const toRecord = (claim: PartClaim, place: number) => ({
  ...claim,
  place,
  rows: formatRanges(claim.rows),
  failedRows: formatRanges(claim.failedRows),
});
