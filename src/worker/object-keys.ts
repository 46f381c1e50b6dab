/** Where a job's objects live. Keys are made from the job's uid, which is never used again, so a deleted job's leavings can't meet a new one's. */
export const planKey = (jobUid: string): string => `jobs/${jobUid}/plan`;
export const reportKey = (jobUid: string): string => `jobs/${jobUid}/bad-lines.json`;
export const partsPrefix = (jobUid: string): string => `jobs/${jobUid}/parts/`;
export const partKey = (jobUid: string, segmentId: string): string => `${partsPrefix(jobUid)}${segmentId}`;
/** Owned by the output dataset once the job has finished: not under the job's prefix, so it outlives the job. */
export const outputKey = (jobUid: string, file: string): string => `outputs/${jobUid}/${file}`;
