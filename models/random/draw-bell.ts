import type { Random } from '../random-numbers.ts';

/** Numbers around zero, roughly bell-shaped (a sum of three draws), with the given spread as their standard deviation. */
export function drawBell(random: Random, count: number, spread: number): Float32Array {
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += 1) values[at] = (random() + random() + random() - 1.5) * 2 * spread;
  return values;
}
