import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { boatload, type ProgramOptions } from '../support/program.ts';
import { makeRow, makeRows, writeRows } from '../support/rows.ts';

/** What is wrong with the row, its bytes, and what the person reads about it. */
const BAD_LINES: readonly (readonly [what: string, line: string | Buffer, says: RegExp])[] = [
  [
    'broken JSON',
    '{"custom_id": "b1", "body": {"messages": [}}',
    /line 1, column 43 {2}broken JSON: expected .*, but there is "}"/,
  ],
  ['cut-off JSON', '{"custom_id": "b2", "body": ', /line 2, column 29 {2}broken JSON: expected .*, but the line ends/],
  ['not an object', '["custom_id", "b3"]', /line 3 {2}the line must be a JSON object, it is an array/],
  ['no custom_id', '{"body": {"messages": [{"role": "user", "content": "x"}]}}', /line 4 {2}the row has no custom_id/],
  [
    'a number as custom_id',
    '{"custom_id": 5, "body": {"messages": [{"role": "user", "content": "x"}]}}',
    /line 5, column 15 {2}custom_id must be a string, it is a number/,
  ],
  ['no body', '{"custom_id": "b6"}', /line 6 {2}the row has no body/],
  [
    'a role that is none',
    '{"custom_id": "b7", "body": {"messages": [{"role": "wizard", "content": "x"}]}}',
    /line 7, column 52 {2}invalid role wizard in message 1, must be 'system', 'user', 'assistant' or 'tool'/,
  ],
  ['no messages', '{"custom_id": "b8", "body": {"messages": []}}', /line 8, column 42 {2}messages is empty/],
  [
    'messages and prompt_token_ids',
    '{"custom_id": "b9", "body": {"messages": [{"role": "user", "content": "x"}], "prompt_token_ids": [1]}}',
    /line 9, column 98 {2}the body has both messages and prompt_token_ids/,
  ],
  ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /line 10 {2}the line is not valid UTF-8/],
  ['30 MB in a line', JSON.stringify(makeRow(1, { user: 'x'.repeat(30e6) })), /line 11 {2}the line is longer than \d+ bytes/],
  [
    'an id that is there twice',
    [3, 4].map((row) => JSON.stringify({ ...makeRow(row), custom_id: 'twin' })).join('\n'),
    /line 13, column 14 {2}custom_id "twin" is on line 12 and again on line 13/,
  ],
];

/** A folder with nothing but the input, and a run of it; afterwards nothing else may be there. */
const cwd = { path: '' };
beforeEach(async () => {
  cwd.path = await makeFolder();
});

const run = (args: readonly string[] = ['--engine', 'echo'], options: Partial<ProgramOptions> = {}) =>
  boatload(['run', 'in.jsonl', '-o', 'out.jsonl', ...args], { cwd: cwd.path, ...options });
const write = (contents: string | Buffer) => writeFileSync(join(cwd.path, 'in.jsonl'), contents);
const whatIsThere = () => readdirSync(cwd.path).toSorted();

describe('input that is refused', () => {
  test('has every bad line named, with its place and its remedy, and nothing is run', async () => {
    const engine = await startHttpEngine();
    onTestFinished(() => engine.close());
    const bytes = BAD_LINES.flatMap(([, line]) => [Buffer.from(line), Buffer.from('\n')]);
    write(Buffer.concat([...bytes, Buffer.from(makeRows(3))]));
    const { code, stderr } = await run(['--engine', engine.url]);
    expect(code).toBe(2);
    expect(stderr).toContain('in.jsonl has 12 bad lines, so nothing was run');
    for (const [what, , says] of BAD_LINES) expect(stderr, what).toMatch(says);
    expect(stderr.length).toBeLessThan(4_000);
    expect(engine.stats.requests).toBe(0);
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test.each([
    ['an empty file', '', /no rows.*0 bytes.*\[DATASET_EMPTY\]/],
    ['blank lines alone', '\n  \r\n\n', /no rows.*\[DATASET_EMPTY\]/],
  ])('%s', async (_, contents, says) => {
    write(contents);
    const { code, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('a file over the limit', async () => {
    writeRows(join(cwd.path, 'in.jsonl'), 100);
    const { code, stderr } = await run(undefined, { env: { BOATLOAD_MAX_DATASET_BYTES: '5000' } });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/larger than.*5000 bytes.*\[DATASET_TOO_LARGE\]/),
    });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('a limit that is none', async () => {
    writeRows(join(cwd.path, 'in.jsonl'), 1);
    const { code, stderr } = await run(undefined, { env: { BOATLOAD_MAX_DATASET_BYTES: '5 MB' } });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /BOATLOAD_MAX_DATASET_BYTES should be a whole number of bytes.*"5 MB"\. Correct it.*\[SETTING_INVALID\]/,
      ),
    });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });
});

describe('a run that can not begin', () => {
  beforeEach(() => writeRows(join(cwd.path, 'in.jsonl'), 1));

  test('for want of an engine', async () => {
    const { code, stderr } = await run(['--engine', 'http://127.0.0.1:9/v1']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/127\.0\.0\.1:9.*start it, or correct its address.*\[ENGINE_UNREACHABLE\]/),
    });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('as the engine does not have the model', async () => {
    const engine = await startHttpEngine();
    onTestFinished(() => engine.close());
    const { code, stderr } = await run(['--engine', engine.url, '--model', 'gpt-9']);
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringMatching(/does not serve "gpt-9".*it serves: test-model.*\[UNKNOWN_MODEL\]/),
    });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('as no model was named, or one that is nowhere', async () => {
    expect(await run([])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--model.*tickets.*--engine.*\[MODEL_REQUIRED\]/),
    });
    expect(await run(['--model', './no-such.gguf'])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/no-such\.gguf.*\[MODEL_FILE_NOT_FOUND\]/),
    });
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('as the engine refuses the key', async () => {
    const engine = await startHttpEngine({ apiKey: 'right' });
    onTestFinished(() => engine.close());
    const { code, stderr } = await run(['--engine', engine.url], { env: { BOATLOAD_ENGINE_KEY: 'wrong' } });
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/key.*\[ENGINE_KEY_REFUSED\]/) });
    expect(stderr).not.toContain('wrong');
    expect(whatIsThere()).toEqual(['in.jsonl']);
  });

  test('as the input is not there, or the output has no place', async () => {
    const options = { cwd: cwd.path };
    mkdirSync(join(cwd.path, 'folder'));
    expect(await boatload(['run', 'no.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], options)).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/no\.jsonl.*\[INPUT_NOT_FOUND\]/),
    });
    expect(await boatload(['run', 'in.jsonl', '-o', 'no/out.jsonl', '--engine', 'echo'], options)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ENOENT.*\[OUTPUT_NOT_WRITABLE\]/),
    });
    expect(await boatload(['run', 'in.jsonl', '-o', 'folder', '--engine', 'echo'], options)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is a folder.*\[OUTPUT_NOT_WRITABLE\]/),
    });
    expect(whatIsThere()).toEqual(['folder', 'in.jsonl']);
  });
});
