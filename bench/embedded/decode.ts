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

/** Prompts are asked twice: the second time each slot still holds its own, and all that is left to do is the answer. Everything is counted, HTTP too. */
export async function measureDecoding(options: DecodeOptions): Promise<number> {
  const { model, sequences, promptWords, answerTokens, threads } = options;
  const engine = await startEngine({ model, slots: sequences, threads });
  try {
    const asking = { baseUrl: engine.baseUrl, inFlight: sequences };
    const rows = (tokens: number) => makeRows({ count: sequences, ownWords: promptWords, answerTokens: tokens, seed: 1 });
    await askAll(asking, rows(1));
    const began = performance.now();
    const { prompt, cached, completion } = await askAll(asking, rows(answerTokens));
    const seconds = (performance.now() - began) / 1e3;
    if (prompt - cached !== sequences) throw new Error(`${prompt - cached} tokens of prompts were evaluated, not ${sequences}.`);
    return completion / seconds;
  } finally {
    await engine.stop();
  }
}
