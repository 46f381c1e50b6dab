/** Batch inference jobs. */
import type { z } from 'zod';
import type { BatchInferenceJob, CreateJobRequest, JobEvents, ValidationReport } from '../contract/job.ts';
import type { WireJobState } from '../contract/job-state.ts';
import { makeResource, type Resource } from './resource.ts';
import { makeResults, type Results, type ResultsOptions } from './results.ts';
import { type CallOptions, type CreateOptions, makeWord, type Transport } from './transport.ts';

/** A job as it is asked for. */
export type NewJob = z.input<typeof CreateJobRequest>;

/** How to start a job. */
export interface CreateJobOptions extends CreateOptions {
  /** The new job's id. Default: the server makes one up. */
  readonly id?: string | undefined;
}

/** `client.jobs`. */
export interface Jobs extends Omit<Resource<BatchInferenceJob, never>, 'update'> {
  /** Starts it. */
  create(job: NewJob, options?: CreateJobOptions): Promise<BatchInferenceJob>;
  /** Stops it; finished rows reach its output dataset. */
  cancel(name: string, options?: CallOptions): Promise<BatchInferenceJob>;
  /** Gives its places back until `resume`; its window goes on. */
  pause(name: string, options?: CallOptions): Promise<BatchInferenceJob>;
  resume(name: string, options?: CallOptions): Promise<BatchInferenceJob>;
  /** What happened to it, oldest first. */
  events(name: string, options?: CallOptions): Promise<z.output<typeof JobEvents>['events']>;
  /** The lines of its input that can't run. */
  validationReport(name: string, options?: CallOptions): Promise<ValidationReport>;
  /** Its rows that are committed so far, each once; with `follow`, those to come, too. */
  results(name: string, options?: ResultsOptions): Results;
}

const FINAL: readonly WireJobState[] = [
  'JOB_STATE_COMPLETED',
  'JOB_STATE_FAILED',
  'JOB_STATE_CANCELLED',
  'JOB_STATE_EXPIRED',
  'JOB_STATE_EARLY_STOPPED',
  'JOB_STATE_DELETED',
  'JOB_STATE_ARCHIVED',
];

/** True when a job in this state won't change any more. */
export const isFinalState = (state: WireJobState): boolean => FINAL.includes(state);

/** Makes `client.jobs`. */
export function makeJobs(transport: Transport): Jobs {
  const { update: _, ...resource } = makeResource<BatchInferenceJob, never>(transport, 'batchInferenceJobs');
  const ask = <Reply>(name: string, verb: string, { signal }: CallOptions = {}) =>
    transport.request<Reply>({ method: 'GET', path: `${resource.pathOf(name)}:${verb}`, signal });
  const tell =
    (verb: string) =>
    (name: string, { signal }: CallOptions = {}) =>
      transport.request<BatchInferenceJob>({
        method: 'POST',
        path: `${resource.pathOf(name)}:${verb}`,
        signal,
        isRepeatable: true,
        ifRepeated: ({ code }) => (code === 'FAILED_PRECONDITION' ? resource.get(name, { signal }) : undefined),
      });
  return {
    ...resource,
    create: (body, { id, idempotencyKey = makeWord(), signal } = {}) =>
      transport.request({
        method: 'POST',
        path: resource.path,
        query: { batchInferenceJobId: id },
        body,
        signal,
        idempotencyKey,
      }),
    cancel: tell('cancel'),
    pause: tell('pause'),
    resume: tell('resume'),
    events: async (name, options) => (await ask<z.output<typeof JobEvents>>(name, 'events', options)).events,
    validationReport: (name, options) => ask(name, 'getValidationReport', options),
    results: (name, options) => makeResults(transport, `${resource.pathOf(name)}:results`, options),
  };
}
