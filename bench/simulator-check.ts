/**
 * Is the simulated engine's model of time (simulator/engine-time.ts) that of a real one? Three measurements of the embedded llama.cpp engine give its constants: one answer alone, all slots at once, one long
 * prompt. From these the model says how long other batches take, and the engine then is asked the same. A random model, as speed knows no sense.
 *
 *   node bench/simulator-check.ts [rounds] [--tiny]
 */
import { parseArgs } from 'node:util';
import { askAll } from './embedded/bare-loop.ts';
import { startEngine } from './embedded/engine.ts';
import { makeModel } from './embedded/models.ts';
import { makeRows, type Row } from './embedded/rows.ts';
import { type EngineShape, EngineTime, type Work } from './simulator/engine-time.ts';
import { BLOCK_TOKENS } from './simulator/prefix-cache.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const ROUNDS = Number(positionals[0] ?? (values.tiny ? 1 : 5));
const SLOTS = values.tiny ? 4 : 8;
const ANSWER_TOKENS = values.tiny ? 24 : 192;
const PROMPT_WORDS = values.tiny ? 100 : 600;
const FEW_WORDS = 4;
/** What the model calls one unit of work. */
const UNIT_TOKENS = 256;

interface Batch {
  readonly title: string;
  readonly count: number;
  readonly inFlight: number;
  /** Of each row by its number. */
  readonly answerTokens: (row: number) => number;
  readonly sharedWords?: number;
  readonly ownWords: number;
}

const BATCHES: readonly Batch[] = [
  {
    title: 'three times as many rows as slots',
    count: 3 * SLOTS,
    inFlight: 3 * SLOTS,
    answerTokens: () => ANSWER_TOKENS,
    ownWords: FEW_WORDS,
  },
  { title: 'half of the slots', count: 2 * SLOTS, inFlight: SLOTS / 2, answerTokens: () => ANSWER_TOKENS, ownWords: FEW_WORDS },
  {
    title: 'short and long answers, all at once',
    count: 4 * SLOTS,
    inFlight: 4 * SLOTS,
    answerTokens: (row) => Math.ceil((ANSWER_TOKENS * (1 + (row % 5))) / 5),
    ownWords: FEW_WORDS,
  },
  {
    title: 'long prompts of their own',
    count: 2 * SLOTS,
    inFlight: 2 * SLOTS,
    answerTokens: () => ANSWER_TOKENS / 4,
    ownWords: PROMPT_WORDS,
  },
  {
    title: 'long prompts that begin alike',
    count: 2 * SLOTS,
    inFlight: 2 * SLOTS,
    answerTokens: () => ANSWER_TOKENS / 4,
    sharedWords: PROMPT_WORDS,
    ownWords: FEW_WORDS,
  },
];

let seed = 0;

/** New words each time, so that no cache has them. */
function toRows({ count, answerTokens, ownWords, sharedWords = 0 }: Omit<Batch, 'title' | 'inFlight'>): readonly Row[] {
  seed += 1;
  const rows = makeRows({ count, ownWords, sharedWords, answerTokens: 1, seed });
  return rows.map((row, at) => ({ ...row, body: { ...row.body, max_tokens: answerTokens(at) } }));
}

interface Measured {
  readonly ms: number;
  readonly promptTokens: number;
}

async function ask(baseUrl: string, batch: Omit<Batch, 'title'>): Promise<Measured> {
  const rows = toRows(batch);
  const began = performance.now();
  const { prompt } = await askAll({ baseUrl, inFlight: batch.inFlight }, rows);
  return { ms: performance.now() - began, promptTokens: prompt / rows.length };
}

/** The constants of this engine, from three measurements. */
async function measureConstants(baseUrl: string): Promise<EngineShape> {
  const answers = { answerTokens: () => ANSWER_TOKENS, ownWords: FEW_WORDS };
  const alone = (await ask(baseUrl, { ...answers, count: 1, inFlight: 1 })).ms / ANSWER_TOKENS;
  const together = (await ask(baseUrl, { ...answers, count: SLOTS, inFlight: SLOTS })).ms / ANSWER_TOKENS;
  const prompt = await ask(baseUrl, { answerTokens: () => 1, ownWords: PROMPT_WORDS, count: 1, inFlight: 1 });
  const perSequence = Math.max(0, (together - alone) / (SLOTS - 1));
  const perStep = Math.max(alone - perSequence, alone / 100);
  return {
    slots: SLOTS,
    serviceMs: UNIT_TOKENS * perStep,
    speed: (sequences) => perStep / (perStep + perSequence * sequences),
    cache: { tokens: 1_000_000, msPerToken: prompt.ms / prompt.promptTokens },
  };
}

/** How long the model says that the batch takes. */
function predict(shape: EngineShape, { count, inFlight, answerTokens, sharedWords = 0, ownWords }: Batch): number {
  const engine = new EngineTime<Work>(shape);
  const blocks = (from: number, words: number): readonly number[] =>
    Array.from({ length: Math.ceil(words / BLOCK_TOKENS) }, (_, at) => from + at);
  const requestOf = (row: number): Work => ({
    work: answerTokens(row) / UNIT_TOKENS,
    prompt: [...blocks(0, sharedWords), ...blocks(10_000 * (row + 1), ownWords)],
  });
  let next = 0;
  const send = (): void => {
    if (next < count) engine.take(requestOf(next++));
  };
  for (let sent = 0; sent < inFlight; sent += 1) send();
  for (;;) {
    const doneMs = engine.nextDoneMs;
    if (doneMs === Number.POSITIVE_INFINITY) return engine.nowMs;
    engine.advanceTo(doneMs);
    engine.finish();
    engine.admit();
    send();
  }
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const engine = await startEngine({ model: makeModel(values.tiny ? 'tiny' : '5m'), slots: SLOTS, threads: 1 });
try {
  const ratios = BATCHES.map((): number[] => []);
  await measureConstants(engine.baseUrl);
  for (let round = 0; round < ROUNDS; round += 1) {
    const shape = await measureConstants(engine.baseUrl);
    for (const [place, batch] of BATCHES.entries()) {
      const { ms } = await ask(engine.baseUrl, batch);
      ratios[place]?.push(predict(shape, batch) / ms);
    }
  }
  console.log(
    `Time that the model says over time that the engine took, ${SLOTS} slots, medians of ${ROUNDS} rounds (least, most)`,
  );
  for (const [place, { title }] of BATCHES.entries()) {
    const of = ratios[place] ?? [];
    console.log(`  ${title.padEnd(38)} ${median(of).toFixed(2)}  (${Math.min(...of).toFixed(2)}, ${Math.max(...of).toFixed(2)})`);
  }
} finally {
  await engine.stop();
}
