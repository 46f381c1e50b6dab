import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { expect, test } from 'vitest';

/** Lowest floor first. A file may import its own room and rooms on lower floors; files beside the rooms are the roof. */
const FLOORS = [
  ['contract', 'base'],
  ['jsonl', 'storage', 'engines', 'client'],
  ['jobs', 'torture'],
  ['db'],
  ['actions', 'worker'],
  ['api', 'cli', 'settings', 'shelf'],
  ['run', 'doctor'],
];

const IMPORT = /\b(?:import|export)\b(?:[^'"]*?\bfrom)?\s*\(?\s*['"](\.[^'"]+)['"]/g;
const room = (path: string) => path.split(sep)[0] ?? '';
const floorOf = (path: string) => {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room(path)));
  return floor === -1 ? FLOORS.length : floor;
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = files.flatMap((from) =>
  Array.from(readFileSync(join('src', from), 'utf8').matchAll(IMPORT), ([, to = '']) => ({ from, to: join(dirname(from), to) })),
);

test('every room stands above all it imports', () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(
    imports.filter(({ from, to }) => room(from) !== room(to) && floorOf(from) < FLOORS.length && floorOf(from) <= floorOf(to)),
  ).toEqual([]);
});

test('every folder has a floor', () => {
  const folders = new Set(files.filter((file) => file.includes(sep)).map(room));
  expect([...folders].toSorted()).toEqual(FLOORS.flat().toSorted());
});

test('every file that ARCHITECTURE.md names exists', () => {
  const named = Array.from(
    readFileSync('ARCHITECTURE.md', 'utf8').matchAll(/`((?:src|test|docs|bench|models|packaging)\/[\w./-]+\.\w+)`/g),
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((path) => !existsFile(path))).toEqual([]);
});

const existsFile = (path: string) => readdirSync(dirname(path)).includes(path.slice(dirname(path).length + 1));
