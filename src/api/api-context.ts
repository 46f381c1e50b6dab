import type { LiveContext } from '../actions/answer-live.ts';
import type { Links } from '../actions/link-download.ts';
import type { EngineContext } from '../actions/manage-engines.ts';
import type { Prices } from '../actions/price-usage.ts';
import type { PullContext } from '../actions/pull-model.ts';
import type { Log } from '../base/log.ts';
import type { EngineBoard } from '../db/engine-board.ts';
import type { ModelFiles } from '../db/model-files.ts';
import type { LeasedJobs } from '../jobs/leased-jobs.ts';
import type { Leases } from '../jobs/leases.ts';

/** What this server says of itself. */
interface Build {
  readonly version: string;
  readonly node: string;
}

/** What workers without a database reach through this process. */
export interface WorkersContext {
  readonly leases: Leases;
  readonly jobs: LeasedJobs;
  readonly engines: EngineBoard;
  readonly modelFiles: ModelFiles;
  /** Of the fleet: their token is made from it. */
  readonly secret: Uint8Array;
  /** The tables that this process knows. */
  readonly tables: string;
}

/** Everything the HTTP door works with; made on the roof. */
export interface ApiContext extends LiveContext, EngineContext, PullContext {
  readonly links: Links;
  readonly log: Log;
  readonly build: Build;
  /** Absent where nobody says what tokens cost. */
  readonly prices?: Prices;
  /** Absent where no such workers are let in. */
  readonly workers?: WorkersContext;
}

/** What Hono carries from handler to handler. */
export interface ApiEnv {
  readonly Variables: {
    readonly requestId: string;
    /** What an operation was about, for the audit log, where neither its path nor the name in its reply says. */
    readonly subject?: string;
  };
}
