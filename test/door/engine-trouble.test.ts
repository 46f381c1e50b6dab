import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { allIds, contentOf, idOf, readLines, writeRows } from '../support/rows.ts';

type Script = NonNullable<HttpEngineOptions['script']>;
type Fault = NonNullable<ReturnType<Script>>;

async function startEngine(options: HttpEngineOptions) {
  const engine = await startHttpEngine(options);
  onTestFinished(() => engine.close());
  return engine;
}

const REFUSAL: Fault = {
  status: 400,
  body: JSON.stringify({
    error: { message: 'This question is not to my taste.', type: 'invalid_request_error', code: 'bad_taste' },
  }),
};

/** What goes wrong the first time that every eighth row is asked, in turn. */
const FAULTS: readonly Fault[] = [
  { status: 429, headers: { 'retry-after': '1' } },
  { status: 500 },
  'reset',
  'broken-json',
  { status: 503 },
  'cut',
];

const trip: Script = ({ marker, attempt }) => {
  const row = Number(marker.slice(-5));
  return attempt === 1 && row % 8 === 0 ? FAULTS[(row / 8) % FAULTS.length] : undefined;
};

describe('boatload run with an engine in trouble', () => {
  test('asks again what was refused, lost, cut off or garbled, and answers every row', async () => {
    const cwd = await makeFolder();
    const engine = await startEngine({ script: trip, latency: [1, 10] });
    writeRows(join(cwd, 'in.jsonl'), 100);
    const { code, stderr } = await boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url], { cwd });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(100));
    expect([...engine.calls.values()].filter(({ asked }) => asked > 1).length).toBe(13);
  });

  test('puts refused rows aside in the engine’s own words, and asks just those again with --resume', async () => {
    const cwd = await makeFolder();
    const sick = { isSick: true };
    const isBad = (marker: string) => Number(marker.slice(-5)) % 10 === 3;
    const engine = await startEngine({ script: ({ marker }) => (sick.isSick && isBad(marker) ? REFUSAL : undefined) });
    writeRows(join(cwd, 'in.jsonl'), 50);
    const run = (...flags: string[]) =>
      boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url, '--json', ...flags], { cwd });

    const first = await run();
    expect(first).toMatchObject({ code: 3, stderr: expect.stringContaining('retry just those:') });
    const summary = JSON.parse(first.stdout);
    expect(summary).toMatchObject({ outcome: 'COMPLETED', total: 50, ok: 45, failed: 5, unfinished: 0 });
    expect(summary.causes).toEqual([{ cause: 'invalid_request_error', rows: 5, example: 'This question is not to my taste.' }]);
    const failures = readLines(join(cwd, 'out.errors.jsonl'));
    expect(failures.map(({ custom_id }) => custom_id)).toEqual(allIds(50).filter(isBad));
    for (const { error } of failures) expect(error).toMatchObject({ code: 400, message: 'This question is not to my taste.' });
    expect(readLines(join(cwd, 'out.jsonl')).map(({ custom_id }) => custom_id)).toEqual(allIds(50).filter((id) => !isBad(id)));

    sick.isSick = false;
    const second = await run('--resume');
    expect(second).toMatchObject({ code: 0 });
    expect(JSON.parse(second.stdout)).toMatchObject({ total: 50, ok: 50, failed: 0, unfinished: 0, errors: null });
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(50));
    expect(readdirSync(cwd).toSorted()).toEqual(['in.jsonl', 'out.jsonl']);
    for (const row of allIds(50)) expect(engine.calls.get(row), row).toEqual({ asked: isBad(row) ? 2 : 1, answered: 1 });
  });

  test('stops in the middle when the key is refused, keeps what it has, and goes on with a good key', async () => {
    const cwd = await makeFolder();
    const revoked = { isRevoked: true };
    const engine = await startEngine({
      latency: [5, 15],
      script: ({ count }) => (revoked.isRevoked && count > 100 ? { status: 401 } : undefined),
    });
    writeRows(join(cwd, 'in.jsonl'), 200);
    const run = (...flags: string[]) =>
      boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url, '--json', ...flags], { cwd });
    const first = await run();
    expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(/gave up: 100 ok.*go on:.*--resume/s) });
    const summary = JSON.parse(first.stdout);
    expect(summary).toMatchObject({
      outcome: 'FAILED',
      message: expect.stringContaining('401'),
      total: 200,
      ok: 100,
      failed: 0,
      unfinished: 100,
    });
    expect(readLines(join(cwd, 'out.jsonl')).length).toBe(100);
    revoked.isRevoked = false;
    expect(JSON.parse((await run('--resume')).stdout)).toMatchObject({
      outcome: 'COMPLETED',
      total: 200,
      ok: 200,
      unfinished: 0,
    });
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(200));
    expect([...engine.calls.values()].every(({ answered }) => answered === 1)).toBe(true);
  });

  test('survives the death of its own engine: every row is answered', async () => {
    const cwd = await makeFolder();
    writeFileSync(join(cwd, 'in.jsonl'), ticketRows(120));
    const run = startBoatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--model', TICKETS_MODEL, '--json'], { cwd });
    await run.says(/engine ready/);
    const child = await childOf(run.pid);
    process.kill(child, 'SIGKILL');
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ total: 120, ok: 120, failed: 0 });
    expect(readLines(join(cwd, 'out.jsonl')).map(({ custom_id }) => custom_id)).toEqual(allIds(120));
    expect(isAlive(child)).toBe(false);
  });
});

const ticketRows = (count: number): string =>
  Array.from({ length: count }, (_, row) => {
    const content = `Ticket ${row}: the printer is on fire and nobody answers the phone.`;
    return `${JSON.stringify({ custom_id: idOf(row), body: { messages: [{ role: 'user', content }], max_tokens: 48 } })}\n`;
  }).join('');

/** The engine's process: the program's one child. */
async function childOf(pid: number): Promise<number> {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const engine = children.find((line) => line.includes('child'));
  expect(children, 'one child, the engine').toHaveLength(1);
  return Number.parseInt(engine ?? '', 10);
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
