import { readFileSync } from 'node:fs';
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
  expect(new Set(phases), phases.join('; ')).toEqual(new Set(['start', 'opening', 'running', 'ending']));
  expect(JSON.parse(last.stdout)).toMatchObject({ total: 10_000, ok: 10_000, failed: 0, unfinished: 0 });
  const answers = readLines(join(cwd, 'out.jsonl'));
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(allIds(10_000));
  expect(answers.every((line, row) => contentOf(line) === questionOf(row))).toBe(true);
});

/** The engine has sent it, the program not read it yet: on a busy machine that takes its time. What waited for a flush would be ten times as old. */
const UNREAD_MS = 250;
/** Far less than a program needs from its start to its first request. */
const READ_LATE_MS = 200;

interface Call {
  readonly event: 'asked' | 'answered';
  readonly marker: string;
  readonly at: number;
}

test('kill -9 against an engine that counts: nothing that was received is asked again', async () => {
  const cwd = await makeFolder();
  const log = join(cwd, 'calls.jsonl');
  const engine = startNode([HTTP_ENGINE, '--latency', '50-500', '--log', log], { cwd });
  const [, url = ''] = await engine.says(/"url":"([^"]+)"/);
  writeRows(join(cwd, 'in.jsonl'), 2_500);
  const kills: { readonly at: number }[] = [];
  const onKill = () => kills.push({ at: Date.now() });
  const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', url, '--concurrency', '64', '--json', '--keep', '--resume'];
  const { phases } = await killAgainAndAgain(args, { cwd, kills: 6, seed: 12, only: 'running', onKill });
  expect(phases).toEqual(Array(6).fill('running'));
  expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(2_500));

  const byMarker = Map.groupBy(parseLines<Call>(readFileSync(log, 'utf8')), ({ marker }) => marker);
  expect(byMarker.size).toBe(2_500);
  const askedAgain = [...byMarker].filter(([, calls]) => calls.filter(({ event }) => event === 'asked').length > 1);
  // What the program has received is in its journal at once: only what came in its very last moments may be asked again.
  const receivedBefore = askedAgain.map(([marker, calls]) => {
    const askedAt = calls.find(({ event }) => event === 'asked')?.at ?? 0;
    const answeredAt = calls.find(({ event }) => event === 'answered')?.at ?? Number.POSITIVE_INFINITY;
    // The kill that ended the program which had asked first: what it sent last, the engine may read when it is gone already.
    const killedAt = kills.find(({ at }) => at >= askedAt - READ_LATE_MS)?.at ?? 0;
    return { marker, ms: killedAt - answeredAt };
  });
  expect(receivedBefore.filter(({ ms }) => ms >= UNREAD_MS)).toEqual([]);
  const extra = [...byMarker.values()].flat().filter(({ event }) => event === 'asked').length - 2_500;
  expect(extra).toBeLessThanOrEqual(6 * 64);
  console.log(
    `${extra} calls more than rows; the oldest answer that was asked for again had come ${Math.max(0, ...receivedBefore.map(({ ms }) => ms))} ms before the kill`,
  );
});
