/** Jobs as those see them who run their rows, straight from the database. */
import type { LeasedJobs } from '../jobs/leased-jobs.ts';
import { addEvent } from './queries/add-event.ts';
import { endJobEarly } from './queries/end-job-early.ts';
import { findJobByUid } from './queries/find-job-by-uid.ts';
import { listDatasetFiles } from './queries/list-dataset-files.ts';
import { listLatestEvents } from './queries/list-latest-events.ts';
import { listStates } from './queries/list-states.ts';
import type { Db, Queue } from './store.ts';

export function makeLeasedJobs(db: Db, queue: Queue): LeasedJobs {
  return {
    async open(jobUid) {
      const job = await findJobByUid(db, jobUid);
      if (job === undefined || job.planKey === null) return undefined;
      const { uid, model, settings, rowFormat, planKey, accountId, inputDatasetId } = job;
      const files = await listDatasetFiles(db, accountId, inputDatasetId);
      return { uid, model, settings, rowFormat, planKey, files };
    },
    states: (jobUids) => listStates(db, jobUids),
    async giveUp(jobUid, why) {
      await endJobEarly({ db, queue }, jobUid, { outcome: 'FAILED', ...why });
    },
    note: (note) => addEvent(db, note),
    async latestNote(jobUid, kinds) {
      return (await listLatestEvents(db, [jobUid], kinds)).get(jobUid);
    },
  };
}
