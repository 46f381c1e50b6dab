/** Where processes find the engines that all of them share, and say how they find them: in the database, or through a process that has it. */
import type { Clock } from '../base/clock.ts';
import { deleteReportsOf } from './queries/delete-reports-of.ts';
import { listAllEngines } from './queries/list-all-engines.ts';
import { listEngineReports } from './queries/list-engine-reports.ts';
import { reportEngines } from './queries/report-engines.ts';
import type { Engine, EngineReport } from './schema.ts';
import type { Store } from './store.ts';

/** After so long what a process said of an engine counts no more. */
export const SILENT_MS = 60_000;

/** What a process says now; when that is, the board knows. */
export type ProcessReport = Omit<EngineReport, 'at'>;

/** The engines of all accounts, and what processes say of them. */
export interface EngineBoard {
  /** No other process can change them. */
  readonly isAlone: boolean;
  /** In steady order; their keys as they are kept, sealed. */
  list(): Promise<readonly Engine[]>;
  /** In place of what the process said before. */
  report(reports: readonly ProcessReport[]): Promise<void>;
  /** What is said of an account's engines, by processes that are not silent. */
  reports(accountId: string): Promise<readonly EngineReport[]>;
  /** Forgets what a process said: it ends. */
  leave(process: string): Promise<void>;
}

/** The board in the database. */
export const makeEngineBoard = ({ db, embedded }: Pick<Store, 'db' | 'embedded'>, clock: Clock): EngineBoard => ({
  isAlone: embedded,
  list: () => listAllEngines(db),
  report(reports) {
    const at = clock.now();
    return reportEngines(
      db,
      reports.map((report) => ({ ...report, at })),
    );
  },
  reports: (accountId) => listEngineReports(db, accountId, new Date(clock.now().getTime() - SILENT_MS)),
  async leave(process) {
    await deleteReportsOf(db, process);
  },
});
