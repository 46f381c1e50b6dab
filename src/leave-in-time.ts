/** A process that is told to stop does so, whatever a database, an engine or a store that is away does. */
import type { Log } from './base/log.ts';

/** Beyond the time that rows in flight have: for the last commits, and for giving back what is held. */
const REST_MS = 15_000;

export interface LeaveOptions {
  /** How long rows in flight may take to finish. */
  readonly drainMs: number;
  readonly log: Log;
}

/** Ends the process with 1 when it has not ended by itself in time after `stop`. Its finished rows wait in its journal; what it held is free after 10 s. */
export function leaveInTime(stop: AbortSignal, { drainMs, log }: LeaveOptions): void {
  const watch = (): void => {
    const leave = (): void => {
      log.warn({}, 'what is away does not let this process end: it ends now, and its finished rows wait in its journal');
      process.exit(1);
    };
    setTimeout(leave, drainMs + REST_MS).unref();
  };
  if (stop.aborted) watch();
  else stop.addEventListener('abort', watch, { once: true });
}
