/** Draws a token from the model's own distribution. Used where its log-probabilities are asked: llama.cpp shows those only after truncation. */
import type { Token } from 'node-llama-cpp';

export interface Shape {
  readonly temperature: number;
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
  readonly minP: number;
}

export type Random = () => number;

/** A small seeded generator (mulberry32): the same seed gives the same draws. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The order of llama.cpp: top-k, top-p and min-p on the plain distribution, then the temperature. The map is sorted, likeliest first. */
export function draw(probabilities: ReadonlyMap<Token, number>, shape: Shape, random: Random): Token {
  const kept = truncate([...probabilities], shape);
  const best = Math.log(kept[0]?.[1] ?? 1);
  const weights = kept.map(([, probability]) => Math.exp((Math.log(probability) - best) / shape.temperature));
  let rest = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    rest -= weight;
    return rest < 0;
  });
  const drawn = kept.at(at);
  if (drawn === undefined) throw new Error('The model gave no token to draw from.');
  return drawn[0];
}

type Likely = readonly [Token, number];

function truncate(all: readonly Likely[], { topK, topP, minP }: Shape): readonly Likely[] {
  const top = topK > 0 ? all.slice(0, topK) : all;
  const total = top.reduce((sum, [, probability]) => sum + probability, 0);
  let sum = 0;
  const nucleus =
    topP >= 1
      ? top
      : top.filter(([, probability], index) => {
          const before = sum;
          sum += probability / total;
          return index === 0 || before < topP;
        });
  const floor = (nucleus[0]?.[1] ?? 0) * minP;
  return nucleus.filter(([, probability]) => probability >= floor && probability > 0);
}
