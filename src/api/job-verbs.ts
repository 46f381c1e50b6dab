/** What can be done with a batch inference job, and asked of it, beyond reading and deleting it. All of these are extensions. */
import { cancelJob } from '../actions/cancel-job.ts';
import { getJob } from '../actions/get-job.ts';
import { getValidationReport } from '../actions/get-validation-report.ts';
import { pauseJob, resumeJob } from '../actions/pause-job.ts';
import { BatchInferenceJob, JobEvents, ValidationReport } from '../contract/job.ts';
import { listEvents } from '../db/queries/list-events.ts';
import { replyJob } from './job-replies.ts';
import { jobResultsRoute } from './job-results.ts';
import { type Call, route } from './route.ts';

const ONE = '/v1/accounts/{account_id}/batchInferenceJobs/{job_id}';
const tag = 'Batch inference jobs';
const idOf = ({ params }: Call<unknown, unknown>): string => params['job_id'] ?? '';

const cancel = route({
  method: 'post',
  path: `${ONE}/@cancel`,
  tag,
  summary: 'Stop a batch inference job; finished rows reach its output dataset',
  reply: BatchInferenceJob,
  handle: async (call) => replyJob(call.context, await cancelJob(call.context, call.caller, idOf(call))),
});

const pause = route({
  method: 'post',
  path: `${ONE}/@pause`,
  tag,
  summary: 'Put a batch inference job aside; finished rows are kept, its window goes on',
  reply: BatchInferenceJob,
  handle: async (call) => replyJob(call.context, await pauseJob(call.context, call.caller, idOf(call))),
});

const resume = route({
  method: 'post',
  path: `${ONE}/@resume`,
  tag,
  summary: 'Let a paused batch inference job go on',
  reply: BatchInferenceJob,
  handle: async (call) => replyJob(call.context, await resumeJob(call.context, call.caller, idOf(call))),
});

const report = route({
  method: 'get',
  path: `${ONE}/@getValidationReport`,
  tag,
  summary: 'Get the bad lines of the input of a batch inference job',
  reply: ValidationReport,
  handle: (call) => getValidationReport(call.context, call.caller, idOf(call)),
});

const events = route({
  method: 'get',
  path: `${ONE}/@events`,
  tag,
  operationId: 'listBatchInferenceJobEvents',
  summary: 'Get the timeline of a batch inference job',
  reply: JobEvents,
  handle: async (call) => {
    const { uid } = await getJob(call.context, call.caller, idOf(call));
    const all = await listEvents(call.context.store.db, uid);
    return {
      events: all.map(({ at, kind, message, details }) => ({ time: at.toISOString(), kind, message, details: { ...details } })),
    };
  },
});

/** All of them. */
export const jobVerbRoutes = [cancel, pause, resume, jobResultsRoute, report, events];
