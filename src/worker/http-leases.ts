/** Leases and jobs of a worker without a database: an API process asks it for them. */

import { MOST_WAIT_MS, MOST_WORDS } from '../contract/worker-calls.ts';
import type { LeasedJob, LeasedJobs } from '../jobs/leased-jobs.ts';
import type { Leases, ShardLease } from '../jobs/leases.ts';
import { shorten } from '../jobs/shorten.ts';
import type { JobState } from '../jobs/states.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** Answers are those of a process of the same version (it refuses others), so they are taken at their word. */
export function makeHttpLeases(api: WorkerCalls): Leases {
  return {
    async take(max, patience, without = []) {
      if (patience === undefined) return (await api.call('take', { max, waitMs: 0, without })) as readonly ShardLease[];
      const waitMs = Math.round(Math.min(patience.maxMs, MOST_WAIT_MS));
      const { signal } = patience;
      try {
        return (await api.call('take', { max, waitMs, without }, { signal, waitMs })) as readonly ShardLease[];
      } catch (cause) {
        if (signal.aborted) return [];
        throw cause;
      }
    },
    async keep(leases) {
      const lost = new Set((await api.call('keep', { leases })) as readonly string[]);
      return leases.filter(({ ticket }) => lost.has(ticket));
    },
    commit: async (claims) => (claims.length === 0 ? [] : ((await api.call('commit', { claims })) as readonly boolean[])),
    async settle(lease) {
      await api.call('settle', { lease });
    },
    async giveBack(lease, { afterMs = 0 } = {}) {
      await api.call('giveBack', { lease, afterMs });
    },
  };
}

/** The jobs, in the same way. */
export function makeHttpJobs(api: WorkerCalls): LeasedJobs {
  return {
    open: async (jobUid) => ((await api.call('open', { jobUid })) as LeasedJob | null) ?? undefined,
    async states(jobUids) {
      const states = (await api.call('states', { jobUids })) as Readonly<Record<string, JobState>>;
      return new Map(Object.entries(states));
    },
    async giveUp(jobUid, { statusCode, statusMessage }) {
      await api.call('giveUp', { jobUid, statusCode, statusMessage: cut(statusMessage) });
    },
    async note(note) {
      await api.call('note', { ...note, message: cut(note.message) });
    },
    async latestNote(jobUid, kinds) {
      const note = await api.call('latestNote', { jobUid, kinds });
      return (note as Awaited<ReturnType<LeasedJobs['latestNote']>> | null) ?? undefined;
    },
  };
}

/** An engine may refuse with a page of any length. */
const cut = (words: string): string => shorten(words, MOST_WORDS);
