/** Rows on their way to real engines behind HTTP, without a database. */
import { expect, onTestFinished, test } from 'vitest';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import { makePool, type PoolEngine, type Slot } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { Dispatch } from '../../src/worker/dispatch.ts';
import type { UnreadRow } from '../../src/worker/shard-rows.ts';
import { type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';

const NEVER = new AbortController().signal;
const PLACES = 4;
const PATIENCE = { timeout: 30_000 };

async function openDispatch(servers: readonly HttpEngineOptions[]) {
  const started = await Promise.all(servers.map((server) => startHttpEngine(server)));
  const engines = started.map(({ url }): PoolEngine => ({ engine: openUpstream({ baseUrl: url }), model: 'm', limit: PLACES }));
  const pool = makePool(engines);
  onTestFinished(async () => {
    pool.close();
    await Promise.all([...engines.map(({ engine }) => engine.close()), ...started.map((server) => server.close())]);
  });
  const dispatch = new Dispatch({ pool, accountId: 'acme', room: async () => undefined, refusal: () => undefined });
  return { dispatch, engines, pool };
}

type Rows = ReadonlyMap<UnreadRow, number>;

const makeRows = (count: number): Rows => {
  const line = { position: 0, row: 0, line: Buffer.alloc(0) };
  return new Map(Array.from({ length: count }, (_, at) => [{ read: async () => line }, at]));
};

/** Notes which engine gets which row, and asks it. */
function asking(rows: Rows, got: Map<PoolEngine, number[]>) {
  return async (row: UnreadRow, slot: Slot): Promise<void> => {
    const place = rows.get(row) ?? -1;
    got.set(slot.of, [...(got.get(slot.of) ?? []), place]);
    const body = [Buffer.from(JSON.stringify({ model: slot.model, messages: [{ role: 'user', content: `[[${place}]]` }] }))];
    slot.release(classifyReply(await slot.answer({ path: '/v1/chat/completions', body }, NEVER)));
  };
}

const inOrder = (got: Map<PoolEngine, number[]>): readonly number[] => [...got.values()].flat().toSorted((a, b) => a - b);

const jumps = (got: readonly number[]): number => got.filter((row, at) => at > 0 && row !== (got[at - 1] ?? 0) + 1).length;

test('neighbours go to one engine, and every row goes to one', async () => {
  const { dispatch, engines } = await openDispatch([{ latency: [1, 8] }, { latency: [1, 8] }]);
  const rows = makeRows(1_000);
  const got = new Map<PoolEngine, number[]>();
  const answer = asking(rows, got);
  await dispatch.handOut({ rows: [...rows.keys()], answer: (...of) => void answer(...of), refuse: () => {}, until: NEVER });
  expect(inOrder(got)).toEqual([...rows.values()]);
  for (const engine of engines) {
    const own = got.get(engine) ?? [];
    expect(own.length).toBeGreaterThan(PLACES);
    expect(jumps(own)).toBeLessThan(20);
  }
});

test('an engine that answers nothing keeps what it was given, and its other rows go elsewhere', async () => {
  const { dispatch, engines } = await openDispatch([{ script: () => 'hang' }, { latency: [1, 3] }]);
  const rows = makeRows(300);
  const got = new Map<PoolEngine, number[]>();
  const answer = asking(rows, got);
  await dispatch.handOut({ rows: [...rows.keys()], answer: (...of) => void answer(...of), refuse: () => {}, until: NEVER });
  expect(inOrder(got)).toEqual([...rows.values()]);
  expect(engines.map((engine) => got.get(engine)?.length)).toEqual([PLACES, 300 - PLACES]);
});

test('rows that are not to go out any more leave others, and the pool when there are none', async () => {
  const { dispatch, pool } = await openDispatch([{}]);
  const held: Slot[] = [];
  const hold = (_: UnreadRow, slot: Slot): void => void held.push(slot);
  const [stop, stopOther] = [new AbortController(), new AbortController()];
  const ended = dispatch.handOut({ rows: [...makeRows(300).keys()], answer: hold, refuse: () => {}, until: stop.signal });
  await expect.poll(() => held.length, PATIENCE).toBe(PLACES);
  const seen: UnreadRow[] = [];
  const other = [...makeRows(PLACES + 1).keys()];
  const otherEnded = dispatch.handOut({
    rows: other,
    answer: (row, slot) => void (seen.push(row) && held.push(slot)),
    refuse: () => {},
    until: stopOther.signal,
  });
  stop.abort();
  await ended;
  for (const slot of held.splice(0)) slot.release();
  await expect.poll(() => seen, PATIENCE).toEqual(other.slice(0, PLACES));
  stopOther.abort();
  await otherEnded;
  for (const slot of held.splice(0)) slot.release();
  const next = await pool.acquire('acme', NEVER);
  expect(pool.status()[0]?.inFlight, 'places that are taken').toBe(1);
  next.release();
});

test('rows whose pool is gone are told so', async () => {
  const { dispatch, pool } = await openDispatch([]);
  const ended = dispatch.handOut({ rows: [...makeRows(2).keys()], answer: () => {}, refuse: () => {}, until: NEVER });
  pool.close();
  await expect(ended).rejects.toThrow('closed');
});
