import { explainJobs } from '../actions/explain-jobs.ts';
import { forecastJobs } from '../actions/forecast-jobs.ts';
import type { BatchInferenceJob } from '../contract/job.ts';
import { sumProgressOfJobs } from '../db/queries/sum-progress-of-jobs.ts';
import { NOTHING_DONE } from '../jobs/add-up.ts';
import type { Job, Progress } from '../jobs/job.ts';
import type { ApiContext } from './api-context.ts';
import { toJobReply } from './job-reply.ts';

/** Jobs in the shape of the wire, with what the tables know of them beside their own row: a few statements, however many jobs. */
export async function replyJobs(context: ApiContext, jobs: readonly Job[]): Promise<readonly BatchInferenceJob[]> {
  const sums = await sumProgressOfJobs(
    context.store.db,
    jobs.map(({ uid }) => uid),
  );
  const progressOf = ({ uid }: Job): Progress => sums.get(uid) ?? NOTHING_DONE;
  const standings = await explainJobs(context, jobs, progressOf);
  const forecasts = await forecastJobs(context, jobs, { progressOf, prices: context.prices });
  return jobs.map((job) => {
    const { reason, waitingOnCapacity } = standings.get(job.uid) ?? { reason: '', waitingOnCapacity: false };
    return toJobReply(job, progressOf(job), { reason, waitingOnCapacity, forecast: forecasts.get(job.uid) });
  });
}

/** The same of one. */
export async function replyJob(context: ApiContext, job: Job): Promise<BatchInferenceJob> {
  const [reply] = await replyJobs(context, [job]);
  if (reply === undefined) throw new Error('a job has a reply');
  return reply;
}
