/** A job that is made once, also where the process dies that makes it and its caller asks again. */
import { Problem } from '../base/problem.ts';
import { findJob } from '../db/queries/find-job.ts';
import type { Job } from '../jobs/job.ts';
import type { Caller, Context } from './context.ts';

/** Where a request comes from that may come again. */
export interface Origin {
  /** The id of what it makes, where its caller names none: the same for all tries. */
  readonly id: string;
  /** An earlier try was never answered, and may have made it. */
  readonly isTakenOver: boolean;
}

/** Runs `create` with the id; where a try of the same request was or is faster, answers the job that it made. */
export async function createOnce(
  context: Context,
  { accountId }: Caller,
  { origin, create }: { readonly origin: Origin | undefined; readonly create: (id: string | undefined) => Promise<Job> },
): Promise<Job> {
  if (origin === undefined) return create(undefined);
  const find = () => findJob(context.store.db, accountId, origin.id);
  const made = origin.isTakenOver ? await find() : undefined;
  if (made !== undefined) return made;
  return create(origin.id).catch(async (cause: unknown) => {
    const other = cause instanceof Problem && cause.code === 'ALREADY_EXISTS' ? await find() : undefined;
    if (other === undefined) throw cause;
    return other;
  });
}
