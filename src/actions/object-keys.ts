/** Where an account's objects live. Keys are made from ids that are never used again, never from what a caller wrote. */
import { randomUUID } from 'node:crypto';

/** A fresh place for an uploaded file. */
export const makeUploadKey = (): string => `uploads/${randomUUID()}`;

/** Everything that a job needs while it lives: plan, report, parts. */
export const jobPrefix = (jobUid: string): string => `jobs/${jobUid}/`;

/** The files that a job wrote; they belong to its output dataset once the job has ended. */
export const outputPrefix = (jobUid: string): string => `outputs/${jobUid}/`;
