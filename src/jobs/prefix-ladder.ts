/**
 * Fingerprints of growing prefixes of a prompt: after 64, 128, … 8192 bytes. Rows that agree on a step share the prompt up to there, so sorting
 * rows by their ladders is a depth-first walk of the tree of prefixes. A collision costs order, never correctness.
 */
import type { BodyReading } from './check-body.ts';
import { LADDER_STEPS } from './row-index.ts';

/** Every further step doubles them. */
const FIRST_STEP_BYTES = 64;
const LAST_STEP_BYTES = FIRST_STEP_BYTES << (LADDER_STEPS - 1);

/** Prompt bytes that a number of agreeing steps stands for. */
export const sharedBytes = (steps: number): number => (steps === 0 ? 0 : FIRST_STEP_BYTES << (steps - 1));

/** Makes ladders, always into the same array. */
export class PrefixLadder {
  /** The steps of the row that was climbed last; 0 where its prompt is too short. */
  readonly steps = new Uint32Array(LADDER_STEPS);
  readonly #joined = Buffer.allocUnsafe(LAST_STEP_BYTES);

  /** Answers the bytes of the row's prompt. Tools come first, as most chat templates put them there. */
  climb(line: Buffer, { tools, messages, promptTokenIds, prompt, input }: BodyReading): number {
    const main = messages ?? promptTokenIds ?? prompt ?? input;
    const [first, second] = tools === undefined ? [main, undefined] : [tools, main];
    if (first === undefined) {
      this.steps.fill(0);
      return 0;
    }
    const firstBytes = first.end - first.start;
    if (second === undefined) {
      this.#climb(line, first.start, first.end);
      return firstBytes;
    }
    const head = line.copy(this.#joined, 0, first.start, first.end);
    const joined = head + line.copy(this.#joined, head, second.start, second.end);
    this.#climb(this.#joined, 0, joined);
    return firstBytes + second.end - second.start;
  }

  #climb(bytes: Buffer, start: number, end: number): void {
    const { steps } = this;
    let hash = 0x9747b28c;
    let at = start;
    let stepEnd = start + FIRST_STEP_BYTES;
    for (let step = 0; step < LADDER_STEPS; step++) {
      if (stepEnd > end) {
        steps[step] = 0;
        continue;
      }
      hash = hashBytes(bytes, { at, end: stepEnd, seed: hash });
      steps[step] = hash === 0 ? 1 : hash;
      at = stepEnd;
      stepEnd = start + (FIRST_STEP_BYTES << (step + 1));
    }
  }
}

/** Four bytes at a time; every stretch is a multiple of that. */
function hashBytes(
  bytes: Buffer,
  { at, end, seed }: { readonly at: number; readonly end: number; readonly seed: number },
): number {
  let hash = seed;
  for (let index = at; index < end; index += 4) {
    const word =
      (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8) | ((bytes[index + 2] ?? 0) << 16) | ((bytes[index + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
