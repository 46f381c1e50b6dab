/** Says on the timelines of running jobs, once each, that they will not end in time or that their results will reach the limit. */
import { addEventOnce } from '../db/queries/add-event-once.ts';
import { listRunningJobs } from '../db/queries/list-running-jobs.ts';
import { sumProgressOfJobs } from '../db/queries/sum-progress-of-jobs.ts';
import { NOTHING_DONE } from '../jobs/add-up.ts';
import type { Forecast } from '../jobs/forecast.ts';
import type { Job } from '../jobs/job.ts';
import type { Context } from './context.ts';
import { forecastJobs } from './forecast-jobs.ts';

/** The first seconds of a job, with engines that warm up, tell nothing of its pace. */
const PACE_SHOWS_MS = 60_000;

export interface WarnOptions {
  /** A job whose results reach this ends early. */
  readonly outputBytes: number;
}

/** One look at all of them; safe to repeat. */
export async function warnOfForecasts(context: Pick<Context, 'store' | 'clock'>, { outputBytes }: WarnOptions): Promise<void> {
  const { db } = context.store;
  const jobs = await listRunningJobs(db);
  const sums = await sumProgressOfJobs(
    db,
    jobs.map(({ uid }) => uid),
  );
  const forecasts = await forecastJobs(context, jobs, { progressOf: ({ uid }) => sums.get(uid) ?? NOTHING_DONE });
  const at = context.clock.now();
  for (const job of jobs) {
    const found = forecasts.get(job.uid);
    if (found === undefined || found.basis !== 'ROWS') continue;
    const warnings = [lateness({ job, found, at }), fullness(found, outputBytes)];
    for (const warning of warnings) if (warning !== undefined) await addEventOnce(db, { jobUid: job.uid, at, ...warning });
  }
}

interface Warning {
  readonly kind: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function lateness({
  job,
  found: { endsAt },
  at,
}: {
  readonly job: Job;
  readonly found: Forecast;
  readonly at: Date;
}): Warning | undefined {
  const { startedAt, expiresAt } = job;
  if (endsAt === null || endsAt <= expiresAt) return undefined;
  if (startedAt === null || at.getTime() - startedAt.getTime() < PACE_SHOWS_MS) return undefined;
  const [end, deadline] = [endsAt.toISOString(), expiresAt.toISOString()];
  return {
    kind: 'deadline-at-risk',
    message: `At its present pace it would end at ${end}, after its window, which ends at ${deadline}. Add engines, or let other jobs wait; what is not done by then can be run by continuing the job.`,
    details: { endTime: end, expireTime: deadline },
  };
}

function fullness({ outputBytes: bytes }: Forecast, limit: number): Warning | undefined {
  if (bytes === null || bytes < limit) return undefined;
  return {
    kind: 'output-limit-at-risk',
    message: `Its results would come to about ${bytes} bytes, and a job ends at ${limit}. What is not done by then can be run by continuing the job.`,
    details: { outputBytes: bytes, limit },
  };
}
