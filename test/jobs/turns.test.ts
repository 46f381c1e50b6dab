import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTurns, type Turn } from '../../src/jobs/turns.ts';

const newTurn = (accountId: string, changes: Partial<Turn> = {}): Turn => ({
  lane: 'm',
  accountId,
  started: 0,
  ended: 0,
  laneStands: 0,
  ...changes,
});

/** Gives shards of these sizes to accounts in their turn until all are given; answers who got them. */
function giveAll(
  sizes: Readonly<Record<string, readonly number[]>>,
): readonly { readonly accountId: string; readonly cost: number }[] {
  const turns = makeTurns(Object.keys(sizes).map((accountId) => newTurn(accountId)));
  const left = new Map(Object.entries(sizes).map(([accountId, list]) => [accountId, [...list]]));
  const given: { accountId: string; cost: number }[] = [];
  for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
    const { accountId } = turn;
    const cost = left.get(accountId)?.shift();
    if (cost === undefined) turns.leave(turn);
    else {
      turns.give(turn, cost);
      given.push({ accountId, cost });
    }
  }
  return given;
}

const shards = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 40 });

test('while two accounts wait, neither is ahead by more than one shard of each', () => {
  fc.assert(
    fc.property(shards, shards, (a, b) => {
      const given = giveAll({ a, b });
      expect(given.map(({ cost }) => cost).toSorted()).toEqual([...a, ...b].toSorted());
      const largest = Math.max(...a) + Math.max(...b);
      const left = { a: a.length, b: b.length };
      let lead = 0;
      for (const { accountId, cost } of given) {
        lead += accountId === 'a' ? cost : -cost;
        left[accountId === 'a' ? 'a' : 'b'] -= 1;
        if (left.a === 0 || left.b === 0) break;
        expect(Math.abs(lead)).toBeLessThanOrEqual(largest);
      }
    }),
  );
});

test('who comes later is next, however much others have lined up, and whatever they were given before', () => {
  fc.assert(
    fc.property(shards, (before) => {
      const alone = makeTurns([newTurn('a')]);
      let busy = alone.next() ?? newTurn('nobody');
      for (const cost of before) busy = alone.give(busy, cost);
      const stands = { laneStands: busy.started };
      const turns = makeTurns([{ ...busy, ...stands }, newTurn('b', stands)]);
      const order = Array.from({ length: 4 }, () => {
        const turn = turns.next() ?? newTurn('nobody');
        turns.give(turn, 1_000);
        return turn.accountId;
      });
      expect(order[0]).toBe('b');
      expect(order).toContain('a');
    }),
  );
});

test('who was idle makes up for nothing: it takes turns from where the others stand', () => {
  const turns = makeTurns([
    newTurn('busy', { started: 9_000, ended: 10_000, laneStands: 9_000 }),
    newTurn('back', { started: 10, ended: 20, laneStands: 9_000 }),
  ]);
  const order = Array.from({ length: 6 }, () => {
    const turn = turns.next() ?? newTurn('nobody');
    turns.give(turn, 1_000);
    return turn.accountId;
  });
  expect(order[0]).toBe('back');
  expect(order.filter((accountId) => accountId === 'back')).toHaveLength(3);
});

test('lanes come one after the other, each with its own turns', () => {
  const turns = makeTurns([newTurn('a'), newTurn('b'), newTurn('a', { lane: 'n', laneStands: 5_000, ended: 9_000 })]);
  const order = Array.from({ length: 4 }, () => {
    const turn = turns.next() ?? newTurn('nobody');
    turns.give(turn, 10);
    return `${turn.lane} ${turn.accountId}`;
  });
  expect(order).toEqual(['m a', 'n a', 'm b', 'n a']);
});
