import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Lock } from '../../packaging/lock.ts';
import { trimLock } from '../../packaging/trim-lock.ts';

const MOST_LINES = 400;
const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(existsSync);
const texts = tracked.filter((file) => !file.endsWith('.gguf')).map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;

/** Every place that says what it should not, as `file: what`. */
const findAll = (pattern: RegExp) =>
  texts.flatMap(({ file, text }) => Array.from(text.matchAll(pattern), ([found]) => `${file}: ${found}`));

test('there is something to check', () => {
  expect(texts.length).toBeGreaterThan(50);
});

test('no file names the registry that packages came from', () => {
  expect(findAll(/\bregistry\.[\w-]+\.\w+/gi)).toEqual([]);
  expect(Object.entries(lock.packages).filter(([, entry]) => 'resolved' in entry)).toEqual([]);
});

test('no file knows the machine it was written on', () => {
  expect(findAll(/(?<![\w.~@-])\/(?:work|root|tmp\/(?:brief|bash_jobs))\/[\w./-]*/g)).toEqual([]);
});

test('package-lock.json lets nobody install a binary that is not for their machine', () => {
  expect(Object.keys(lock.packages).filter((path) => path.includes('@node-llama-cpp/')).length).toBeGreaterThan(10);
  expect(trimLock(lock)).toEqual(lock);
});

test(`no source file is longer than ${MOST_LINES} lines`, () => {
  const long = texts.filter(({ file, text }) => file.startsWith('src/') && text.trimEnd().split('\n').length > MOST_LINES);
  expect(long.map(({ file }) => file)).toEqual([]);
});
