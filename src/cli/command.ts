/** What every command gets. */
import type { Roof } from './doors.ts';
import type { Host } from './host.ts';

export interface CommandContext {
  readonly host: Host;
  readonly roof: Roof;
  /** Tells the exit code. */
  finish(code: number): void;
}
