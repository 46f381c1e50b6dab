import type { LiveContext } from '../actions/answer-live.ts';
import type { Links } from '../actions/link-download.ts';
import type { EngineContext } from '../actions/manage-engines.ts';
import type { Prices } from '../actions/price-usage.ts';
import type { Log } from '../base/log.ts';

/** What this server says of itself. */
interface Build {
  readonly version: string;
  readonly node: string;
}

/** Everything the HTTP door works with; made on the roof. */
export interface ApiContext extends LiveContext, EngineContext {
  readonly links: Links;
  readonly log: Log;
  readonly build: Build;
  /** Absent where nobody says what tokens cost. */
  readonly prices?: Prices;
}

/** What Hono carries from handler to handler. */
export interface ApiEnv {
  readonly Variables: {
    readonly requestId: string;
    /** What an operation was about, for the audit log, where neither its path nor the name in its reply says. */
    readonly subject?: string;
  };
}
