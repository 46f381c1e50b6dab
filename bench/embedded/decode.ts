/** How many tokens a second the embedded engine draws while all its slots do nothing else. */
import { askAll } from './bare-loop.ts';
import { startEngine } from './engine.ts';
import { makeRows } from './rows.ts';

export interface DecodeOptions {
  readonly model: string;
  readonly sequences: number;
  readonly promptWords: number;
  readonly answerTokens: number;
  readonly threads: number;
}

/** An engine whose slots hold their prompts. */
export interface Decoder {
  /** Tokens a second of one answer in every slot, HTTP and all. */
  measure(): Promise<number>;
  stop(): Promise<void>;
}

/** Asks every prompt once: from then on each slot has its own, and all that is left to do is the answer. */
export async function openDecoder(options: DecodeOptions): Promise<Decoder> {
  const { model, sequences, promptWords, answerTokens, threads } = options;
  const { baseUrl, stop } = await startEngine({ model, slots: sequences, threads });
  const ask = (tokens: number) =>
    askAll(
      { baseUrl, inFlight: sequences },
      makeRows({ count: sequences, ownWords: promptWords, answerTokens: tokens, seed: 1 }),
    );
  await ask(1);
  return {
    measure: async () => {
      const began = performance.now();
      const { prompt, cached, completion } = await ask(answerTokens);
      const seconds = (performance.now() - began) / 1e3;
      if (prompt - cached !== sequences)
        throw new Error(`${prompt - cached} tokens of prompts were evaluated, not ${sequences}.`);
      return completion / seconds;
    },
    stop,
  };
}
