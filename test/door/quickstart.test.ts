import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startNode } from '../support/program.ts';
import { readLines } from '../support/rows.ts';

const QUICKSTART = join(import.meta.dirname, '../../scripts/quickstart.ts');

test('npm run quickstart sorts at least 55 of the 60 tickets right, within a minute', async () => {
  const cwd = await makeFolder();
  const { code, stderr } = await startNode([QUICKSTART], { cwd }).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [, right = '', total = ''] = /(\d+) of (\d+) tickets are sorted right/.exec(stderr) ?? [];
  expect(Number(total)).toBe(60);
  expect(Number(right)).toBeGreaterThanOrEqual(55);
  expect(readdirSync(join(cwd, 'quickstart'))).toEqual(['answers.jsonl']);
  expect(readLines(join(cwd, 'quickstart/answers.jsonl')).length).toBe(60);
}, 60_000);
