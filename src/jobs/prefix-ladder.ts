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
  #memory: DataView = new DataView(new ArrayBuffer(0));
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
    if (this.#memory.buffer !== bytes.buffer) this.#memory = new DataView(bytes.buffer);
    const { steps } = this;
    const memoryStart = bytes.byteOffset + start;
    let hash = 0x9747b28c;
    let from = 0;
    for (let step = 0; step < LADDER_STEPS; step++) {
      const to = FIRST_STEP_BYTES << step;
      if (to > end - start) {
        steps.fill(0, step);
        return;
      }
      hash = hashBytes(this.#memory, { start: memoryStart + from, end: memoryStart + to, seed: hash });
      steps[step] = hash === 0 ? 1 : hash;
      from = to;
    }
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
  /** The hash of all that comes before. */
  readonly seed: number;
}

/** Eight bytes at a time, in two lanes that don't wait for each other; every span is a multiple of that. */
function hashBytes(memory: DataView, { start, end, seed }: Span): number {
  let a = seed;
  let b = seed ^ 0x85ebca6b;
  for (let at = start; at < end; at += 8) {
    a = Math.imul(a ^ memory.getInt32(at, true), 0x9e3779b1);
    b = Math.imul(b ^ memory.getInt32(at + 4, true), 0x5f356495);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  return (Math.imul(a, 0xc2b2ae35) ^ b ^ (b >>> 16)) >>> 0;
}
