import { expect, test } from 'vitest';
import { Stretches } from '../../src/jobs/stretches.ts';

const rows = (count: number, first = 0): readonly number[] => Array.from({ length: count }, (_, at) => first + at);

/** Gives rows to these engines in turn until none is left; answers what each got. */
function deal(stretches: Stretches<string, number>, turns: readonly string[]): Map<string, number[]> {
  const got = new Map<string, number[]>(turns.map((engine) => [engine, []]));
  for (let turn = 0; ; turn++) {
    const engine = turns[turn % turns.length] ?? '';
    const row = stretches.take(engine);
    if (row === undefined) return got;
    got.get(engine)?.push(row);
  }
}

/** How often the next row was not the neighbour of the one before. */
const jumps = (got: readonly number[]): number => got.filter((row, at) => at > 0 && row !== (got[at - 1] ?? 0) + 1).length;

const all = (got: ReadonlyMap<string, readonly number[]>): readonly number[] =>
  [...got.values()].flat().toSorted((a, b) => a - b);

test('one engine alone gets all rows in the order of their plan', () => {
  const stretches = new Stretches<string, number>();
  stretches.add(rows(1_000));
  stretches.add(rows(700, 1_000));
  expect(deal(stretches, ['only']).get('only')).toEqual(rows(1_700));
  expect(stretches.isEmpty).toBe(true);
});

test('each of several engines gets neighbours, every row goes out once, and no engine goes without while rows are left', () => {
  const stretches = new Stretches<string, number>();
  stretches.add(rows(1_000));
  const got = deal(stretches, ['a', 'b', 'c', 'b', 'd', 'b']);
  expect(all(got)).toEqual(rows(1_000));
  expect([...got.values()].map((own) => jumps(own)).reduce((sum, count) => sum + count)).toBeLessThan(40);
  expect(got.get('b')?.length).toBe(500);
});

test('an engine that takes nothing any more has its rows taken by the others', () => {
  const stretches = new Stretches<string, number>();
  stretches.add(rows(300));
  expect(stretches.take('gone')).toBe(0);
  expect(all(deal(stretches, ['a', 'b']))).toEqual(rows(299, 1));
});

test('with fewer rows than engines each row still goes out', () => {
  const stretches = new Stretches<string, number>();
  stretches.add(rows(3));
  expect(['a', 'b', 'c', 'd'].map((engine) => stretches.take(engine))).toEqual([0, 2, 1, undefined]);
});

test('rows that are dropped go to nobody, those added beside them do', () => {
  const stretches = new Stretches<string, number>();
  const dropped = rows(400);
  stretches.add(dropped);
  stretches.add(rows(20, 400));
  expect([stretches.take('a'), stretches.take('b')]).toEqual([0, 256]);
  stretches.drop(dropped);
  expect(all(deal(stretches, ['a', 'b']))).toEqual(rows(20, 400));
});
