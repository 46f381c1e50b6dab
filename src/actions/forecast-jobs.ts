/** Forecasts of jobs that have not ended, from the tables: a few statements, however many jobs. */
import type { Money } from '../contract/money.ts';
import { listPastJobs } from '../db/queries/list-past-jobs.ts';
import { measurePace } from '../db/queries/measure-pace.ts';
import { sumProgressOfJobs } from '../db/queries/sum-progress-of-jobs.ts';
import { type Forecast, forecast, type Measured, needsPast } from '../jobs/forecast.ts';
import type { Job, Progress } from '../jobs/job.ts';
import { isFinal } from '../jobs/states.ts';
import type { Context } from './context.ts';
import { type Prices, priceForecast } from './price-usage.ts';

/** A job's forecast, and what it would be billed; null where a model has no price or the tokens aren't known. */
export interface JobForecast extends Forecast {
  readonly cost: Money | null;
}

export interface ForecastOptions {
  readonly progressOf: (job: Job) => Progress;
  readonly prices?: Prices | undefined;
}

/** What was done in so long a time is its pace: pauses and waits before it don't count. */
const LATELY_MS = 10 * 60_000;

/** By job uid; those that have ended, or whose input isn't checked, have none. */
export async function forecastJobs(
  { store: { db }, clock }: Pick<Context, 'store' | 'clock'>,
  jobs: readonly Job[],
  { progressOf, prices }: ForecastOptions,
): Promise<ReadonlyMap<string, JobForecast>> {
  const open = jobs.filter(({ state, planned }) => !isFinal(state) && planned !== null);
  if (open.length === 0) return new Map();
  const now = clock.now();
  const running = open.filter(({ state }) => state === 'RUNNING').map(({ uid }) => uid);
  const paces = await measurePace(db, running, new Date(now.getTime() - LATELY_MS));
  const known = open.map((job) => {
    const own = { progress: progressOf(job), rowsPerSecond: toRate(job, paces.get(job.uid), now) };
    return { job, facts: { planned: job.planned ?? [], totalRows: job.totalRows ?? 0, own } };
  });
  const past = await findPast(
    { db },
    known.filter(({ facts }) => needsPast(facts)).map(({ job }) => job),
  );
  return new Map(
    known.map(({ job, facts }) => {
      const found = forecast({ ...facts, past: past.get(pastKey(job)), now });
      return [job.uid, { ...found, cost: prices === undefined ? null : priceForecast(prices, found) }];
    }),
  );
}

/** Rows of the last minutes; undefined before the first. */
function toRate({ startedAt }: Job, rows: number | undefined, now: Date): number | undefined {
  if (rows === undefined || startedAt === null) return undefined;
  const ms = Math.min(LATELY_MS, now.getTime() - startedAt.getTime());
  return ms <= 0 ? undefined : (rows * 1000) / ms;
}

const pastKey = ({ accountId, model }: Job): string => `${accountId}/${model}`;

/** Rows of several models tell nothing of one. */
async function findPast({ db }: Pick<Context['store'], 'db'>, jobs: readonly Job[]): Promise<ReadonlyMap<string, Measured>> {
  const accounts = Map.groupBy(
    jobs.filter(({ model }) => model !== ''),
    ({ accountId }) => accountId,
  );
  const found = await Promise.all(
    Array.from(accounts, ([accountId, own]) => listPastJobs(db, accountId, [...new Set(own.map(({ model }) => model))])),
  );
  const past = found.flat();
  const sums = await sumProgressOfJobs(
    db,
    past.map(({ uid }) => uid),
  );
  return new Map(
    past.flatMap((job) => {
      const progress = sums.get(job.uid);
      return progress === undefined ? [] : [[pastKey(job), { progress, rowsPerSecond: toPastRate(job, progress) }] as const];
    }),
  );
}

/** Not the merge, which is none of the rows' time. */
function toPastRate({ startedAt, endedAt, movedAt }: Job, { ok, failed }: Progress): number | undefined {
  const end = movedAt.WRITING_RESULTS === undefined ? endedAt : new Date(movedAt.WRITING_RESULTS);
  if (startedAt === null || end === null || end <= startedAt) return undefined;
  return ((ok + failed) * 1000) / (end.getTime() - startedAt.getTime());
}
