import { Problem } from '../base/problem.ts';
import type { ValidationReport } from '../contract/job.ts';
import type { Caller, Context } from './context.ts';
import { getJob } from './get-job.ts';

/** The bad lines of a job's input; NOT_FOUND when there are none, or its input has not been checked yet. */
export async function getValidationReport(context: Context, caller: Caller, name: string): Promise<ValidationReport> {
  const { id, state, reportKey } = await getJob(context, caller, name);
  // The planner wrote it, in this shape.
  if (reportKey !== null) return JSON.parse((await context.objects.read(reportKey)).toString()) as ValidationReport;
  const why = state === 'VALIDATING' ? 'its input is still being checked' : 'its input has no bad lines that are known';
  throw new Problem('NOT_FOUND', `There is no validation report of job "${id}": ${why}.`, { reason: 'NO_VALIDATION_REPORT' });
}
