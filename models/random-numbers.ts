/** Seeded random numbers, the same on every machine: whatever is made from them can be made again. */

/** Draws from [0, 1). */
export type Random = () => number;

/** The generator mulberry32. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number from 0 to `count - 1`. */
export const drawBelow = (random: Random, count: number): number => Math.floor(random() * count);

/** One of a list that is not empty. */
export function draw<const Choice>(random: Random, choices: readonly Choice[]): Choice {
  const choice = choices[drawBelow(random, choices.length)];
  if (choice === undefined) throw new Error('There is nothing to draw from');
  return choice;
}
