/** The answer's tokens, one by one, as a slot draws them. */
import type { LlamaGrammarEvaluationState, LlamaModel, SequenceEvaluateMetadataOptions, Token } from 'node-llama-cpp';
import { type BatchOrder, toPriority } from './batch-order.ts';
import { draw, makeRandom, type Random } from './draw.ts';
import { type Sampling, toShapeOptions, toSteeringOptions } from './sampling.ts';
import type { Slot } from './slots.ts';

export interface Drawing {
  readonly model: LlamaModel;
  readonly order: BatchOrder;
  readonly slot: Slot;
  readonly prompt: readonly Token[];
  /** The end of the prompt, which is not evaluated yet. */
  readonly rest: readonly Token[];
  readonly sampling: Sampling;
  readonly grammar: LlamaGrammarEvaluationState | undefined;
  /** How many likely tokens to tell; undefined: nothing about likelihood. */
  readonly topLogprobs: number | undefined;
  readonly signal: AbortSignal;
}

export interface DrawnToken {
  readonly token: Token;
  /** Only where log-probabilities are asked. */
  readonly probability?: number;
  /** The likeliest tokens, likeliest first. */
  readonly top?: readonly (readonly [Token, number])[];
}

/** Draws without end; the caller stops. The slot keeps what was evaluated. */
export async function* drawTokens(drawing: Drawing): AsyncGenerator<DrawnToken, never> {
  const { model, order, slot, sampling, prompt, grammar, signal } = drawing;
  const drawn: Token[] = [];
  const random = drawsItself(drawing) ? makeRandom(sampling.seed) : undefined;
  const tokens = slot.sequence.evaluateWithMetadata([...drawing.rest], toMetadata(drawing), {
    ...toShapeOptions(random === undefined ? sampling : PLAIN),
    ...toSteeringOptions(model, sampling, drawn, prompt),
    ...(grammar === undefined ? {} : { grammarEvaluationState: grammar }),
    evaluationPriority: toPriority(slot.number),
    yieldEogToken: true,
  });
  await order.enter();
  try {
    while (true) {
      signal.throwIfAborted();
      await order.pass();
      const { value, done } = await tokens.next(drawn.at(-1));
      if (done === true) throw new Error('The model drew no token.');
      const next = toDrawn(drawing, value, random);
      drawn.push(next.token);
      yield next;
    }
  } finally {
    order.leave();
    await tokens.return();
  }
}

/** The model's own distribution. */
const PLAIN = { temperature: 1, topP: 1, topK: 0, minP: 0 } as const;

/** The library tells probabilities after temperature and truncation, OpenAI before. Under a grammar its own draw has to be kept. */
const drawsItself = ({ topLogprobs, sampling, grammar }: Drawing): boolean =>
  topLogprobs !== undefined && sampling.temperature > 0 && grammar === undefined;

/** The whole distribution costs three times the speed; a greedy draw's own probability costs nothing. */
const toMetadata = ({ topLogprobs, sampling }: Drawing): SequenceEvaluateMetadataOptions => {
  const whole = topLogprobs !== undefined && (topLogprobs > 0 || sampling.temperature > 0);
  return { probabilities: whole, confidence: topLogprobs !== undefined && !whole };
};

interface Evaluated {
  readonly token: Token;
  readonly confidence?: number;
  readonly probabilities?: ReadonlyMap<Token, number>;
}

function toDrawn(
  { sampling, topLogprobs = 0 }: Drawing,
  { token, confidence, probabilities }: Evaluated,
  random: Random | undefined,
): DrawnToken {
  if (probabilities === undefined) return confidence === undefined ? { token } : { token, probability: confidence, top: [] };
  const chosen = random === undefined ? token : draw(probabilities, sampling, random);
  return { token: chosen, probability: probabilities.get(chosen) ?? 0, top: firstOf(probabilities, topLogprobs) };
}

function firstOf(probabilities: ReadonlyMap<Token, number>, count: number): (readonly [Token, number])[] {
  const first: (readonly [Token, number])[] = [];
  for (const entry of probabilities) {
    if (first.length === count) break;
    first.push(entry);
  }
  return first;
}
