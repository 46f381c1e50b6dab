import type { Job } from './job.ts';

/** The jobs that a job continues, nearest first, out of all that are joined to it. */
export function ancestorsOf(job: Pick<Job, 'id' | 'continuedFrom'>, family: readonly Job[]): readonly Job[] {
  const byId = new Map(family.map((member) => [member.id, member]));
  const ancestors: Job[] = [];
  for (let id = job.continuedFrom; id !== null; ) {
    const parent = byId.get(id);
    if (parent === undefined || parent.id === job.id || ancestors.includes(parent)) break;
    ancestors.push(parent);
    id = parent.continuedFrom;
  }
  return ancestors;
}
