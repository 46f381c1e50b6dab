import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { killAgainAndAgain } from '../support/kill.ts';
import { startNode } from '../support/program.ts';
import { allIds, contentOf, parseLines, questionOf, readLines, writeRows } from '../support/rows.ts';

const HTTP_ENGINE = join(import.meta.dirname, '../support/http-engine.ts');

test('kill -9 of the program, twenty times over 10,000 rows: each is there once, in order', async () => {
  const cwd = await makeFolder();
  writeRows(join(cwd, 'in.jsonl'), 10_000);
  const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo', '--json', '--keep', '--resume'];
  const { last, phases } = await killAgainAndAgain(args, { cwd, kills: 20, seed: Number(process.env['SEED'] ?? 20) });
  console.log(phases.join('\n'));
  expect(JSON.parse(last.stdout)).toMatchObject({ total: 10_000, ok: 10_000, failed: 0, unfinished: 0 });
  const answers = readLines(join(cwd, 'out.jsonl'));
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(allIds(10_000));
  expect(answers.every((line, row) => contentOf(line) === questionOf(row))).toBe(true);
});

interface Call {
  readonly event: 'asked' | 'answered';
  readonly marker: string;
  readonly at: number;
}

test('kill -9 against an engine that counts: nothing that was received is asked again', async () => {
  const cwd = await makeFolder();
  const log = join(cwd, 'calls.jsonl');
  writeFileSync(log, '');
  const engine = startNode([HTTP_ENGINE, '--latency', '50-500', '--log', log], { cwd });
  const [, url = ''] = await engine.says(/"url":"([^"]+)"/);
  writeRows(join(cwd, 'in.jsonl'), 3_000);
  const readCalls = (): Call[] => parseLines<Call>(readFileSync(log, 'utf8'));
  const kills: { readonly at: number; readonly inFlight: number }[] = [];
  const onKill = () => {
    const calls = readCalls();
    const answered = calls.filter(({ event }) => event === 'answered').length;
    kills.push({ at: Date.now(), inFlight: calls.length - 2 * answered });
  };
  const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', url, '--concurrency', '64', '--json', '--keep', '--resume'];
  const { phases } = await killAgainAndAgain(args, { cwd, kills: 12, seed: 12, onKill });
  console.log(phases.join('\n'));
  expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(3_000));

  const byMarker = Map.groupBy(readCalls(), ({ marker }) => marker);
  expect(byMarker.size).toBe(3_000);
  const askedAgain = [...byMarker].filter(([, calls]) => calls.filter(({ event }) => event === 'asked').length > 1);
  // A row that the program had in its hands for so long was in its journal: never asked again.
  for (const [marker, calls] of askedAgain) {
    const answeredAt = calls.find(({ event }) => event === 'answered')?.at ?? Number.POSITIVE_INFINITY;
    const againAt = calls.findLast(({ event }) => event === 'asked')?.at ?? 0;
    const kept = kills.some(({ at }) => answeredAt + 100 <= at && at <= againAt);
    expect(kept, `${marker} was answered 100 ms before a kill, and asked again`).toBe(false);
  }
  const calls = [...byMarker.values()].flat().filter(({ event }) => event === 'asked').length;
  expect(calls - 3_000).toBeLessThanOrEqual(12 * 64);
  console.log({ extra: calls - 3_000, inFlightAtKills: kills.map(({ inFlight }) => inFlight) });
});
