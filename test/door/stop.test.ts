import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { killAgainAndAgain } from '../support/kill.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { allIds, contentOf, questionOf, readLines, writeRows } from '../support/rows.ts';

describe('boatload run, stopped', () => {
  test('by Ctrl-C: finishes what is under way, says how to go on, and asks no answered row again', async () => {
    const cwd = await makeFolder();
    const engine = await startHttpEngine({ latency: [50, 500] });
    onTestFinished(() => engine.close());
    writeRows(join(cwd, 'in.jsonl'), 400);
    const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url, '--concurrency', '32', '--json'];
    const run = startBoatload(args, { cwd });
    await engine.until(() => [...engine.calls.values()].filter(({ answered }) => answered > 0).length >= 100);
    const pressedAt = performance.now();
    run.signal('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    // Well within the ten seconds that a drain may take: the slowest row takes half a second.
    expect(performance.now() - pressedAt).toBeLessThan(8_000);
    expect(code).toBe(130);
    expect(stderr).toMatch(/saving….*go on:.*boatload run in\.jsonl.*--resume/s);
    const { outcome, total, ok, failed, unfinished } = JSON.parse(stdout);
    expect({ outcome, total, failed, sum: ok + unfinished }).toEqual({ outcome: 'STOPPED', total: 400, failed: 0, sum: 400 });
    expect(ok).toBe([...engine.calls.values()].filter(({ answered }) => answered > 0).length);
    expect(existsSync(join(cwd, 'out.jsonl'))).toBe(false);

    expect(await boatload([...args, '--resume'], { cwd })).toMatchObject({ code: 0 });
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(400));
    expect([...engine.calls.values()].filter(({ asked }) => asked > 1)).toEqual([]);
    expect(readdirSync(cwd).toSorted()).toEqual(['in.jsonl', 'out.jsonl']);
  });

  test('by Ctrl-C while it reads stdin: ends, and leaves nothing', async () => {
    const cwd = await makeFolder();
    const run = startBoatload(['run', '-', '-o', 'out.jsonl', '--engine', 'echo'], { cwd, stdinStaysOpen: true });
    await expect.poll(() => existsSync(join(cwd, 'out.run', 'objects')), { timeout: 60_000 }).toBe(true);
    run.signal('SIGINT');
    const { code, stderr } = await run.ended;
    expect(stderr).toContain('nothing has run');
    expect(code).toBe(130);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('twice: ends at once', async () => {
    const cwd = await makeFolder();
    const engine = await startHttpEngine({ script: () => 'hang' });
    onTestFinished(() => engine.close());
    writeRows(join(cwd, 'in.jsonl'), 10);
    const run = startBoatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url], { cwd });
    await engine.until(() => engine.stats.working === 10);
    run.signal('SIGINT');
    await run.says(/saving…/);
    const again = setInterval(() => run.signal('SIGINT'), 100);
    onTestFinished(() => clearInterval(again));
    const { code } = await run.ended;
    clearInterval(again);
    expect(code).toBe(130);
  });

  test('by kill -9, five times: every row is there once, in order', async () => {
    const cwd = await makeFolder();
    writeRows(join(cwd, 'in.jsonl'), 2_000);
    const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo', '--json', '--keep', '--resume'];
    const { last } = await killAgainAndAgain(args, { cwd, kills: 5, seed: 1 });
    expect(JSON.parse(last.stdout)).toMatchObject({ outcome: 'COMPLETED', total: 2_000, ok: 2_000, failed: 0, unfinished: 0 });
    expect(readLines(join(cwd, 'out.jsonl')).map((line) => [line.custom_id, contentOf(line)])).toEqual(
      allIds(2_000).map((id, row) => [id, questionOf(row)]),
    );
    expect(readdirSync(cwd).toSorted()).toEqual(['in.jsonl', 'out.jsonl', 'out.run']);
  });
});
