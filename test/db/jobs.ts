/** Accounts, jobs and claims for the tests of this room. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { makeId } from '../../src/base/ids.ts';
import { createJob } from '../../src/db/queries/create-job.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { readPartPages, type StoredPart } from '../../src/db/queries/list-parts.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import type { Db, Store, Task } from '../../src/db/store.ts';
import type { Job } from '../../src/jobs/job.ts';
import type { PartClaim, ShardLease } from '../../src/jobs/leases.ts';
import { countPositions, type Ranges } from '../../src/jobs/ranges.ts';

export async function makeAccount({ db }: Store): Promise<string> {
  const accountId = makeId(10);
  await ensureAccount(db, { id: accountId });
  return accountId;
}

export const newJob = (accountId: string, changes: Partial<Job> = {}): Job => ({
  uid: randomUUID(),
  accountId,
  id: makeId(10),
  displayName: 'Nightly',
  createdBy: 'ada@example.test',
  state: 'VALIDATING',
  statusCode: 'OK',
  statusMessage: '',
  model: 'accounts/boatload/models/echo',
  precision: 'PRECISION_UNSPECIFIED',
  inputDatasetId: 'in',
  outputDatasetId: makeId(10),
  settings: { maxTokens: 16, extraBody: { top_logprobs: [1, 2], camelCase: true, snake_case: null } },
  onInvalidRow: 'fail',
  continuedFrom: null,
  maxDurationSeconds: null,
  createdAt: new Date('2026-03-01T10:00:00.123Z'),
  updatedAt: new Date('2026-03-01T10:00:00.123Z'),
  expiresAt: new Date('2026-03-02T10:00:00.123Z'),
  validatedAt: null,
  startedAt: null,
  endedAt: null,
  totalRows: null,
  inputRows: null,
  rowFormat: null,
  planned: null,
  planKey: null,
  reportKey: null,
  endpoint: null,
  metadata: null,
  outputExpiresAfterSeconds: null,
  movedAt: { VALIDATING: '2026-03-01T10:00:00.123Z' },
  ...changes,
});

export async function makeJob(store: Store, changes: Partial<Job> = {}): Promise<Job> {
  const job = newJob(changes.accountId ?? (await makeAccount(store)), changes);
  await makeInput(store, job);
  await createJob(store, job);
  return job;
}

/** The input that new jobs name, READY; its contents don't matter here. */
const makeInput = ({ db }: Store, { accountId, inputDatasetId: id }: Job) =>
  db
    .insertInto('dataset')
    .values({
      accountId,
      id,
      displayName: '',
      state: 'READY',
      declaredRows: null,
      rows: 1,
      sourceJob: null,
      createdBy: 'ada@example.test',
      createdAt: new Date('2026-03-01T09:00:00Z'),
      updatedAt: new Date('2026-03-01T09:00:00Z'),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();

/** A job with shards of these sizes, and of these models where there are several. */
export async function makePlannedJob(store: Store, counts: readonly number[], models: readonly string[] = []): Promise<Job> {
  const job = await makeJob(store);
  const shards = counts.map((count, index) => {
    const model = models[index];
    return { first: sum(counts.slice(0, index)), count, ...(model !== undefined && { model }) };
  });
  const totalRows = sum(counts);
  await startPlannedJob(store, job.uid, {
    totalRows,
    inputRows: totalRows,
    rowFormat: 'fireworks',
    planKey: `plans/${job.uid}`,
    shards,
  });
  return job;
}

/** Takes everything that is in the queue and keeps what belongs to the job; other jobs' tasks go back. */
export async function takeOf(store: Store, { uid }: Job): Promise<readonly ShardLease[]> {
  const taken = await store.leases.take(1_000);
  await Promise.all(taken.filter(({ jobUid }) => jobUid !== uid).map((lease) => store.leases.giveBack(lease)));
  return taken.filter(({ jobUid }) => jobUid === uid).toSorted((a, b) => a.shard - b.shard);
}

/** The same where there has to be one. */
export const takeOneOf = async (store: Store, job: Job): Promise<ShardLease> => pick(await takeOf(store, job), 0);

export function pick<Thing>(list: readonly Thing[], place: number): Thing {
  const thing = list[place];
  if (thing === undefined) throw new Error(`expected at least ${place + 1}, got ${list.length}`);
  return thing;
}

export async function takeTaskOf(store: Store, kind: 'plan' | 'merge', { uid }: Job): Promise<Task | undefined> {
  const taken = await store.queue.take(kind, 1_000);
  await Promise.all(taken.filter(({ jobUid }) => jobUid !== uid).map((task) => store.queue.giveBack(task)));
  return taken.find(({ jobUid }) => jobUid === uid);
}

/** A claim on rows of a lease; all of its rows unless told otherwise. */
export const claimOf = (
  { jobUid, shard, epoch, first, count }: ShardLease,
  rows: Ranges = [[first, first + count]],
  failedRows: Ranges = [],
): PartClaim => {
  const failed = countPositions(failedRows);
  const ok = countPositions(rows) - failed;
  return {
    jobUid,
    shard,
    epoch,
    objectKey: `parts/${randomUUID()}`,
    rows,
    failedRows,
    ok,
    failed,
    inputTokens: 10 * ok,
    outputTokens: 3 * ok,
    cachedTokens: 5 * ok,
    bytes: 100 * (ok + failed),
  };
};

/** Commits all rows of a lease and settles it. */
export async function finish(store: Store, lease: ShardLease): Promise<void> {
  await store.leases.commit([claimOf(lease)]);
  await store.leases.settle(lease);
}

export const stateOf = async ({ db }: Store, { uid }: Job) =>
  db.selectFrom('job').select(['state', 'outcome']).where('uid', '=', uid).executeTakeFirst();

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Empties the queue of what other tests have left: what waits, what was given back, and what was taken and let go, which would come back some seconds later. */
export async function putAllAside({ db }: Store): Promise<void> {
  await sql`delete from waiting`.execute(db);
  await sql`delete from pgboss.job`.execute(db);
}

/** All parts that a job has committed, in the order of their commits. */
export const listParts = async (db: Db, jobUid: string): Promise<readonly StoredPart[]> =>
  (await Array.fromAsync(readPartPages(db, jobUid))).flat();
