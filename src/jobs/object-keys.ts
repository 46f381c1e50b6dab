/**
 * Where objects live. Keys are made from ids that are never used again and never from what a caller wrote, so that a deleted job's leavings can't meet
 * a new one's, and no name can reach outside.
 */
import { randomUUID } from 'node:crypto';

/** Files that callers sent. */
export const UPLOADS_PREFIX = 'uploads/';

/** A fresh place for a file of a dataset. It says when it was made, so that one that nobody owns can be told from one that is on its way. */
export const makeUploadKey = (at: Date): string => `${UPLOADS_PREFIX}${at.getTime()}-${randomUUID()}`;

/** When such a place, or one for a model's file, was made. */
export const uploadKeyTime = (key: string): Date => new Date(Number(/\/(\d+)-[^/]*$/.exec(key)?.[1] ?? 0));

/** What has come of files that are sent piece by piece. */
export const PIECES_PREFIX = 'pieces/';
const FIGURES = 15;
const padded = (number: number): string => String(number).padStart(FIGURES, '0');

/** A fresh beginning of a file, by when it was made: a later one comes after all before it. `file` is a hash of what the file is. */
export const makePiecesPrefix = (file: string, at: Date): string =>
  `${PIECES_PREFIX}${file}/${padded(at.getTime())}-${randomUUID()}/`;
/** A fresh place in it for the bytes from `start` on; two senders never write to the same one. */
export const makePieceKey = (prefix: string, start: number): string => `${prefix}${padded(start)}-${randomUUID()}`;

/** What a piece's key says. */
export const readPieceKey = (key: string): { readonly prefix: string; readonly begunAt: Date; readonly start: number } => {
  const [, prefix = '', begun, start] = /^((?:[^/]+\/){2}(\d+)-[^/]+\/)(\d+)-/.exec(key) ?? [];
  return { prefix, begunAt: new Date(Number(begun ?? 0)), start: Number(start ?? 0) };
};

/** Everything that jobs need while they live: plan, report, parts. */
export const JOBS_PREFIX = 'jobs/';
export const jobPrefix = (jobUid: string): string => `${JOBS_PREFIX}${jobUid}/`;
export const planKey = (jobUid: string): string => `${jobPrefix(jobUid)}plan`;
export const reportKey = (jobUid: string): string => `${jobPrefix(jobUid)}bad-lines.json`;
export const partsPrefix = (jobUid: string): string => `${jobPrefix(jobUid)}parts/`;
export const partKey = (jobUid: string, segmentId: string): string => `${partsPrefix(jobUid)}${segmentId}`;

/** The files that jobs wrote. They belong to a job's output dataset once it has ended, so they outlive the job. */
export const OUTPUTS_PREFIX = 'outputs/';
export const outputPrefix = (jobUid: string): string => `${OUTPUTS_PREFIX}${jobUid}/`;
export const outputKey = (jobUid: string, file: string): string => `${outputPrefix(jobUid)}${file}`;

/** The job that an object under one of the two prefixes is, or was, of. */
export const jobUidOf = (key: string): string => key.split('/')[1] ?? '';

/** The files of models. */
export const MODELS_PREFIX = 'models/';
export const modelPrefix = (modelUid: string): string => `${MODELS_PREFIX}${modelUid}/`;
/** A fresh place for one of them; like those of datasets it says when it was made. */
export const makeModelKey = (modelUid: string, at: Date): string => `${modelPrefix(modelUid)}${at.getTime()}-${randomUUID()}`;
