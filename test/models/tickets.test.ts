import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeSplit, toFiles } from '../../models/tickets/generate.ts';

const FOLDER = 'models/tickets';
const split = makeSplit();

test.each(['heldout.jsonl', 'sample.jsonl', 'sample.expected.jsonl'])('the generator makes %s again, byte for byte', (name) => {
  expect(toFiles(split)[name]).toBe(readFileSync(`${FOLDER}/${name}`, 'utf8'));
});

test('training and test tickets are as many as the model card says, and no text is in both', () => {
  expect([split.train.length, split.test.length]).toEqual([60_000, 2_000]);
  const trained = new Set(split.train.map(({ text }) => text));
  expect(trained.size).toBe(60_000);
  expect(split.test.filter(({ text }) => trained.has(text))).toEqual([]);
  expect(split.train.some(({ heldOut }) => heldOut)).toBe(false);
  expect(split.test.every(({ heldOut }) => heldOut)).toBe(true);
});
