import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LogOptions, makeLog } from '../../src/base/log.ts';
import { Problem } from '../../src/base/problem.ts';

function logged(options: Partial<LogOptions>, facts: Record<string, unknown>): string {
  const lines: string[] = [];
  makeLog({ level: 'info', to: { write: (line) => void lines.push(line) }, ...options }).warn(facts, 'hello');
  return lines.join('');
}

test('writes one JSON object a line', () => {
  const entry = JSON.parse(logged({}, { jobUid: 'a', rows: 3 }));
  expect(entry).toMatchObject({ level: 'warn', jobUid: 'a', rows: 3, msg: 'hello' });
  expect(Date.parse(entry.time)).toBeGreaterThan(0);
});

test('tells an error with its reason and its stack', () => {
  const cause = new Problem('UNAVAILABLE', 'Nobody there.', { reason: 'ENGINE_UNREACHABLE' });
  expect(JSON.parse(logged({}, { cause })).cause).toMatchObject({
    message: 'Nobody there.',
    reason: 'ENGINE_UNREACHABLE',
    stack: expect.any(String),
  });
});

test.each([
  { apiKey: 'hush' },
  { headers: { authorization: 'Bearer hush' } },
  { request: { body: 'hush' } },
  { request: { row: { messages: ['hush'] } } },
  { cause: new Problem('INTERNAL', 'x', { reason: 'X', details: { prompt: 'hush' } }) },
])('hides what may be a prompt or a secret: %j', (facts) => {
  expect(logged({}, facts)).not.toContain('hush');
  expect(logged({ pretty: true }, facts)).not.toContain('hush');
});

test('writes a line of text for people', () => {
  const cause = new Error('it broke');
  expect(logged({ pretty: true }, { cause, rows: 3 })).toMatch(/^\d\d:\d\d:\d\d {2}warn {3}hello {2}cause=it broke {2}rows=3\n$/);
});

test('says only what its level asks for', () => {
  expect(logged({ level: 'error' }, {})).toBe('');
  expect(logged({ level: 'silent' }, {})).toBe('');
});

test('appends to a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'boatload-log-'));
  const to = join(dir, 'deep', 'log.jsonl');
  for (const message of ['one', 'two']) makeLog({ level: 'info', to }).info({}, message);
  const lines = readFileSync(to, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['one', 'two']);
  rmSync(dir, { recursive: true });
});
