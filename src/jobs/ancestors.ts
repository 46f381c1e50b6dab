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

/** A family of jobs by age; of two that were made in one moment, the one that is continued comes first. */
export function oldestFirst(family: readonly Job[]): readonly Job[] {
  const generation = new Map(family.map((job) => [job.uid, ancestorsOf(job, family).length]));
  return family.toSorted(
    (a, b) =>
      a.createdAt.getTime() - b.createdAt.getTime() ||
      (generation.get(a.uid) ?? 0) - (generation.get(b.uid) ?? 0) ||
      (a.id < b.id ? -1 : 1),
  );
}
