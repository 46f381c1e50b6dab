/** Seeded chance: the same seed gives the same run. */

export type Random = () => number;

/** A small generator of numbers from 0 to 1. */
export function makeRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lognormal with this mean; answers of language models are about 0.6 wide. */
export const lognormal =
  (mean: number, sigma = 0.6) =>
  (random: Random): number => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return mean * Math.exp(sigma * normal - sigma ** 2 / 2);
  };
