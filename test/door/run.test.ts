import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { boatload } from '../support/program.ts';
import { allIds, contentOf, idOf, makeRow, makeRows, parseLines, questionOf, readLines, writeRows } from '../support/rows.ts';

describe('boatload run', () => {
  test('answers 300 rows in the order of the input and leaves nothing else behind', async () => {
    const cwd = await makeFolder();
    writeRows(join(cwd, 'in.jsonl'), 300);
    const { code, stderr, stdout } = await boatload(['run', 'in.jsonl', '-o', 'answers.jsonl', '--engine', 'echo', '--json'], {
      cwd,
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const answers = readLines(join(cwd, 'answers.jsonl'));
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(allIds(300));
    expect(answers.map(contentOf)).toEqual(allIds(300).map((_, row) => questionOf(row)));
    expect(new Set(answers.flatMap(Object.keys))).toEqual(new Set(['custom_id', 'response']));
    expect(readdirSync(cwd).toSorted()).toEqual(['answers.jsonl', 'in.jsonl']);
    const usage = answers.map(({ response }) => response?.usage);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'COMPLETED',
      total: 300,
      ok: 300,
      failed: 0,
      unfinished: 0,
      errors: null,
      inputTokens: usage.reduce((sum, tokens) => sum + (tokens?.prompt_tokens ?? 0), 0),
      outputTokens: usage.reduce((sum, tokens) => sum + (tokens?.completion_tokens ?? 0), 0),
    });
  });

  test("takes OpenAI's batch lines as they are", async () => {
    const cwd = await makeFolder();
    writeRows(join(cwd, 'in.jsonl'), 3, (row) => ({
      ...makeRow(row, { model: 'gpt-4o' }),
      method: 'POST',
      url: '/v1/chat/completions',
    }));
    const { code, stderr } = await boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('OpenAI batch lines') });
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual([0, 1, 2].map(questionOf));
  });

  test('numbers bare lines, and reads stdin and writes stdout for -', async () => {
    const cwd = await makeFolder();
    const stdin = makeRows(3, (row) => makeRow(row).body);
    const { code, stdout, stderr } = await boatload(['run', '-', '-o', '-', '--engine', 'echo'], { cwd, stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('bare lines') });
    expect(parseLines(stdout).map((line) => [line.custom_id, contentOf(line)])).toEqual([
      ['row-1', questionOf(0)],
      ['row-2', questionOf(1)],
      ['row-3', questionOf(2)],
    ]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('reads past a byte order mark, CRLF line ends, blank lines and a missing last line end', async () => {
    const cwd = await makeFolder();
    const lines = makeRows(4).trimEnd().split('\n');
    writeFileSync(join(cwd, 'in.jsonl'), `\uFEFF${lines[0]}\r\n\r\n  \n${lines[1]}\r\n${lines[2]}\n\n\n${lines[3]}`);
    const { code, stderr } = await boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('4 rows') });
    expect(readLines(join(cwd, 'out.jsonl')).map(({ custom_id }) => custom_id)).toEqual(allIds(4));
  });

  test('gives its settings to rows that have none of their own', async () => {
    const cwd = await makeFolder();
    writeRows(join(cwd, 'in.jsonl'), 2, (row) => makeRow(row, row === 0 ? {} : { max_tokens: 2 }));
    const { code } = await boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo', '--max-tokens', '1'], { cwd });
    expect(code).toBe(0);
    // Echo cuts: a token is four bytes.
    expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual([questionOf(0).slice(0, 4), questionOf(1).slice(0, 8)]);
  });

  test('keeps its folder when told to, and writes over nothing', async () => {
    const cwd = await makeFolder();
    writeRows(join(cwd, 'in.jsonl'), 2);
    const run = (...flags: string[]) => boatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo', ...flags], { cwd });
    expect((await run('--keep')).code).toBe(0);
    expect(readdirSync(cwd).toSorted()).toEqual(['in.jsonl', 'out.jsonl', 'out.run']);
    const begun = await run();
    expect(begun).toMatchObject({ code: 2, stderr: expect.stringMatching(/was begun before.*--resume.*\[RUN_EXISTS\]/s) });
    expect(await run('--resume')).toMatchObject({ code: 0, stderr: expect.stringContaining('2 ok') });
    // All is answered and the folder gone: there is nothing to go on with, and nothing is asked twice.
    const answers = readLines(join(cwd, 'out.jsonl'));
    expect(await run('--resume')).toMatchObject({ code: 2, stderr: expect.stringContaining('[OUTPUT_EXISTS]') });
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringMatching(/not written over.*\[OUTPUT_EXISTS\]/s) });
    expect(readLines(join(cwd, 'out.jsonl'))).toEqual(answers);
    expect(answers.map(({ custom_id }) => custom_id)).toEqual([idOf(0), idOf(1)]);
  });
});
