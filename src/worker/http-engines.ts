/** The engines that all processes share, for a worker without a database: an API process tells them, with keys that only the fleet's secret opens. */
import type { EngineBoard } from '../db/engine-board.ts';
import type { Engine, EngineReport } from '../db/schema.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** Dates travel as text. */
type Sent<Row> = { readonly [Field in keyof Row]: Row[Field] extends Date ? string : Row[Field] };

/** Answers are those of a process of the same version (it refuses others), so they are taken at their word. */
export const makeHttpEngines = (api: WorkerCalls): EngineBoard => ({
  isAlone: false,
  async list() {
    const engines = (await api.call('engines', {})) as readonly Sent<Engine>[];
    return engines.map((engine) => ({
      ...engine,
      createdAt: new Date(engine.createdAt),
      updatedAt: new Date(engine.updatedAt),
    }));
  },
  async report(reports) {
    await api.call('reportEngines', { reports });
  },
  async reports(accountId) {
    const reports = (await api.call('engineReports', { accountId })) as readonly Sent<EngineReport>[];
    return reports.map((report) => ({ ...report, at: new Date(report.at) }));
  },
  async leave(process) {
    await api.call('leaveEngines', { process });
  },
});
