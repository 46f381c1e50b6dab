/** How engines are over all processes: made from what each process has said of them in the last minute. */
import type { EngineState } from '../contract/engine.ts';
import { makeEngineBoard } from '../db/engine-board.ts';
import type { Engine, EngineReport, ReportedModel } from '../db/schema.ts';
import type { EngineContext } from './manage-engines.ts';

/** By then every process has seen a change. */
const SEEN_AFTER_MS = 10_000;

/** How an engine stands. */
export interface EngineStanding {
  readonly state: EngineState;
  readonly reason: string;
  readonly limit: number;
  readonly inFlight: number;
  readonly reports: readonly EngineReport[];
}

/** How the engines of an account stand; this process says at once how it finds them. */
export async function explainEngines(context: EngineContext, accountId: string): Promise<(engine: Engine) => EngineStanding> {
  await context.engines?.report();
  const now = context.clock.now();
  const reports = await makeEngineBoard(context.store, context.clock).reports(accountId);
  const byEngine = Map.groupBy(reports, ({ engineId }) => engineId);
  return (engine) => toStanding(engine, byEngine.get(engine.id) ?? [], now);
}

function toStanding(engine: Engine, reports: readonly EngineReport[], now: Date): EngineStanding {
  const models = reports.flatMap((report) => report.models);
  const used = models.filter(({ inUse }) => inUse);
  const inFlight = sum(models.map((model) => model.inFlight));
  const counts = { limit: sum((used.length > 0 ? used : models).map((model) => model.limit)), inFlight, reports };
  if (engine.draining) return { ...counts, ...drained(engine, inFlight, now) };
  return { ...counts, ...judge(models) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const drained = (engine: Engine, inFlight: number, now: Date): Pick<EngineStanding, 'state' | 'reason'> => {
  if (inFlight > 0)
    return { state: 'DRAINING', reason: `It finishes ${inFlight === 1 ? 'one request' : `${inFlight} requests`}.` };
  return now.getTime() - engine.updatedAt.getTime() < SEEN_AFTER_MS
    ? { state: 'DRAINING', reason: 'Not every process may have heard of it yet.' }
    : { state: 'DRAINED', reason: 'It has nothing in flight and gets nothing new.' };
};

/** One way in that is open is enough. */
function judge(models: readonly ReportedModel[]): Pick<EngineStanding, 'state' | 'reason'> {
  const ofState = (state: ReportedModel['state']) => models.filter((model) => model.state === state);
  const [ready, paused, broken] = [ofState('ready'), ofState('paused'), ofState('broken')];
  const [best] = ready.toSorted((a, b) => Number(b.inUse) - Number(a.inUse));
  const [worst] = [...broken, ...paused];
  if (best !== undefined) return { state: 'READY', reason: worst === undefined ? best.why : `Not everywhere: ${worst.why}` };
  if (paused[0] !== undefined) return { state: 'BUSY', reason: paused[0].why };
  if (broken[0] !== undefined) return { state: 'FAILING', reason: broken[0].why };
  return { state: 'UNKNOWN', reason: 'No process has said anything of it in the last minute.' };
}
