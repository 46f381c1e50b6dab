/** A job that is made once, also where the process dies that makes it and its caller asks again. */
import { Problem } from '../base/problem.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import type { Job } from '../jobs/job.ts';
import type { Context } from './context.ts';

/** Where a request comes from that may come again. */
export interface Origin {
  /** Of the job that it makes: the same for all tries, so that what one of them made is known. */
  readonly uid: string;
  /** An earlier try was never answered, and may have made it. */
  readonly isTakenOver: boolean;
}

/** Runs `create` with the uid; where a try of the same request was or is faster, answers the job that it made. */
export async function createOnce(
  { store }: Pick<Context, 'store'>,
  origin: Origin | undefined,
  create: (uid: string | undefined) => Promise<Job>,
): Promise<Job> {
  if (origin === undefined) return create(undefined);
  const made = origin.isTakenOver ? await findJobByUid(store.db, origin.uid) : undefined;
  if (made !== undefined) return made;
  return create(origin.uid).catch(async (cause: unknown) => {
    const exists = cause instanceof Problem && cause.code === 'ALREADY_EXISTS';
    const other = exists ? await findJobByUid(store.db, origin.uid) : undefined;
    if (other === undefined) throw cause;
    return other;
  });
}
