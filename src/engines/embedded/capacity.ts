/** How many requests at once, how long, on how many threads: what a model gets where nobody says. */
import type { LlamaModel } from 'node-llama-cpp';
import { Problem } from '../../base/problem.ts';
import type { ChildOptions } from './child-messages.ts';

export interface Capacity {
  readonly slots: number;
  /** Tokens of prompt and answer together, per slot. */
  readonly contextSize: number;
}

export interface CapacityWishes {
  /** One number, or several that will do, the best first. */
  readonly slots?: number | readonly number[] | undefined;
  readonly contextSize?: number | undefined;
  /** Nothing below the best that the model can use. */
  readonly atBest?: boolean | undefined;
}

export interface ModelNeeds {
  readonly modelBytes: number;
  readonly trainedContext: number;
  readonly availableBytes: number;
  /** Memory that a context of this capacity takes. */
  readonly contextBytes: (capacity: Capacity) => Promise<number>;
}

const SMALL_MODEL_BYTES = 200e6;
const TINY_MODEL_BYTES = 50e6;
const DEFAULT_CONTEXT = 4096;
const SMALLEST_CONTEXT = 512;
/** Of the memory that the weights leave; the rest is for the system and the other processes. */
const SHARE_OF_MEMORY = 0.6;

/** The largest capacity that fits the memory. What is wished for is kept; the rest shrinks, slots down to 4 before the context. */
export async function chooseCapacity(wishes: CapacityWishes, needs: ModelNeeds): Promise<Capacity> {
  const budget = Math.max(0, needs.availableBytes - needs.modelBytes) * SHARE_OF_MEMORY;
  for (const capacity of candidates(wishes, needs)) {
    if ((await needs.contextBytes(capacity)) <= budget) return capacity;
  }
  throw new Problem(
    'RESOURCE_EXHAUSTED',
    `The model needs more memory than there is: ${toMegabytes(needs.modelBytes)} MB of weights, and a context beside them in ${toMegabytes(needs.availableBytes)} MB. Use a smaller or more strongly quantised model, fewer slots or a shorter context.`,
    { reason: 'MODEL_TOO_LARGE' },
  );
}

/** ggml's threads spin at barriers: one too many on a busy machine costs most of the speed. A tiny model has nothing to share out. */
export const chooseThreads = (modelBytes: number, cores: number): number =>
  modelBytes < TINY_MODEL_BYTES ? 1 : Math.max(1, cores - 1);

/** What a model has to fit into. */
export const roomFor = (model: LlamaModel, { roomBytes = Number.POSITIVE_INFINITY }: Pick<ChildOptions, 'roomBytes'>) => ({
  modelBytes: model.size,
  trainedContext: model.trainContextSize,
  availableBytes: Math.min(process.availableMemory(), roomBytes),
});

/** What a slot holds where nobody says and the memory allows it. */
export const usualContext = (trainedContext: number): number => Math.min(trainedContext, DEFAULT_CONTEXT);

function candidates(wishes: CapacityWishes, { modelBytes, trainedContext }: ModelNeeds): Capacity[] {
  const most = modelBytes < SMALL_MODEL_BYTES ? 16 : 8;
  const longest = usualContext(trainedContext);
  const slots = wishes.slots === undefined ? halve(most, 4) : [wishes.slots].flat();
  const contexts = wishes.contextSize === undefined ? halve(longest, SMALLEST_CONTEXT) : [wishes.contextSize];
  const few = wishes.slots === undefined ? [2, 1] : [];
  const last = contexts.at(-1) ?? longest;
  const all = [
    ...contexts.flatMap((contextSize) => slots.map((count) => ({ slots: count, contextSize }))),
    ...few.map((count) => ({ slots: count, contextSize: last })),
  ];
  return wishes.atBest ? all.slice(0, 1) : all;
}

/** `from`, half of it and so on, not below `least`. */
const halve = (from: number, least: number): number[] =>
  from / 2 < least ? [from] : [from, ...halve(Math.floor(from / 2), least)];

const toMegabytes = (bytes: number): number => Math.round(bytes / 1e6);
