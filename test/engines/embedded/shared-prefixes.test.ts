/** Which evaluated beginnings are kept for other slots, and for how long. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Token } from 'node-llama-cpp';
import { expect, test } from 'vitest';
import { SharedPrefixes } from '../../../src/engines/embedded/shared-prefixes.ts';
import { makeFolder } from '../../support/folder.ts';

const tokens = (...numbers: number[]) => numbers as Token[];

/** Promises a prefix and writes its file, as who evaluates it does. */
async function save(prefixes: SharedPrefixes, prompt: readonly Token[], bytes: number) {
  const promised = prefixes.promise(prompt);
  writeFileSync(promised.path, 'state');
  promised.saved(bytes);
  expect(await promised.ready).toBe(true);
  return promised;
}

test('what was saved stays when an error comes later: others may be loading it', async () => {
  const prefixes = new SharedPrefixes(await makeFolder(), 100);
  const saved = await save(prefixes, tokens(1, 2, 3), 10);
  saved.givenUp();
  expect(existsSync(saved.path)).toBe(true);
  expect(prefixes.find(tokens(1, 2, 9))).toMatchObject({ prefix: { path: saved.path }, length: 2 });
});

test('what was given up before is found no more, and who waits for it hears so', async () => {
  const prefixes = new SharedPrefixes(await makeFolder(), 100);
  const promised = prefixes.promise(tokens(1, 2, 3));
  writeFileSync(promised.path, 'half of a state');
  promised.givenUp();
  expect([await promised.ready, existsSync(promised.path), prefixes.find(tokens(1, 2, 3))]).toEqual([false, false, undefined]);
});

test('where there is no room, those go that were not used for longest, never the one that came last', async () => {
  const prefixes = new SharedPrefixes(await makeFolder(), 100);
  const first = await save(prefixes, tokens(1), 40);
  const second = await save(prefixes, tokens(2), 40);
  prefixes.find(tokens(1));
  const third = await save(prefixes, tokens(3), 40);
  expect([first, second, third].map(({ path }) => existsSync(path))).toEqual([true, false, true]);
  const large = await save(prefixes, tokens(4), 200);
  expect([first, third, large].map(({ path }) => existsSync(path))).toEqual([false, false, true]);
});
