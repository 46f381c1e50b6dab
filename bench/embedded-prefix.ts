/**
 * Does Boatload's order pay on a real engine? Questions about documents, shuffled: a whole job of Boatload, which orders them, beside a bare loop that asks the same embedded
 * engine in the order of the input, from HTTP to HTTP. What was found in caches is told by the engine itself (`cached_tokens`), the most that is possible by the model's own tokens: every
 * prefix evaluated once. A random model, as speed knows no sense.
 *
 *   node bench/embedded-prefix.ts [rounds] [--documents 100] [--questions 4] [--words 800] [--tiny]       Linux only (reads /proc)
 */
import { parseArgs } from 'node:util';
import { getLlama, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp';
import { askAll, type Tokens } from './embedded/bare-loop.ts';
import { startBoatload } from './embedded/boatload.ts';
import { startEngine } from './embedded/engine.ts';
import { type ModelName, makeModel } from './embedded/models.ts';
import { drawWords, type Row, toRow } from './embedded/rows.ts';
import { makeRandom, type Random } from './simulator/random.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: 'boolean', default: false },
    documents: { type: 'string' },
    questions: { type: 'string' },
    words: { type: 'string' },
  },
});
const ROUNDS = Number(positionals[0] ?? (values.tiny ? 1 : 3));
const DOCUMENTS = Number(values.documents ?? (values.tiny ? 6 : 100));
const QUESTIONS = Number(values.questions ?? 4);
const WORDS = Number(values.words ?? (values.tiny ? 120 : 800));
const MODEL: ModelName = values.tiny ? 'tiny' : '5m';
const QUESTION_WORDS = 12;
const ANSWER_TOKENS = 8;
/** The engine's slots twice over, so that none waits for the loop. */
const IN_FLIGHT = 32;
const GOALS = { share: 0.95, speed: 2 };

const times = <T>(count: number, make: (place: number) => T): T[] => Array.from({ length: count }, (_, place) => make(place));

function makeQuestions(random: Random): readonly Row[] {
  const rows = times(DOCUMENTS, (document) => {
    const words = drawWords(random, WORDS);
    return times(QUESTIONS, (question) => {
      const content = `${words} ${drawWords(random, QUESTION_WORDS)}`;
      return toRow(`document-${document}-question-${question}`, [{ role: 'user', content }], ANSWER_TOKENS);
    });
  }).flat();
  return shuffle(rows, random);
}

function shuffle<T>(inOrder: readonly T[], random: Random): T[] {
  const shuffled = [...inOrder];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T]; // both places exist
  }
  return shuffled;
}

/** The tokens of all prompts, and of those the ones that are no beginning of another prompt, which have to be evaluated. */
function countTokens(model: LlamaModel, rows: readonly Row[]): { readonly all: number; readonly distinct: number } {
  const prompts = rows.map(({ body }) => {
    const turns = body.messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
    return model.tokenize(`${turns.join('')}<|im_start|>assistant\n`, true);
  });
  const sorted = prompts.map((tokens) => tokens.map((token) => String.fromCodePoint(token)).join('')).toSorted();
  const shared = sorted.map((prompt, at) => (at === 0 ? 0 : commonLength(sorted[at - 1] ?? '', prompt)));
  const all = prompts.reduce((sum, { length }) => sum + length, 0);
  return { all, distinct: all - shared.reduce((sum, length) => sum + length, 0) };
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

interface Run {
  readonly seconds: number;
  readonly tokens: Tokens;
}

async function timed(work: () => Promise<Tokens>): Promise<Run> {
  const began = performance.now();
  const tokens = await work();
  return { seconds: (performance.now() - began) / 1e3, tokens };
}

const median = (figures: readonly number[]): number =>
  figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) / 2)] ?? Number.NaN;
const verdict = (figure: number, goal: number): string => `goal ${goal}: ${figure >= goal ? 'met' : 'MISSED'}`;

const path = makeModel(MODEL);
const llama = await getLlama({ build: 'never', logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath: path, vocabOnly: true });
const boatload = await startBoatload(['--model', path]);
console.log(`${DOCUMENTS} documents of ${WORDS} tokens × ${QUESTIONS} questions, shuffled, model ${MODEL}`);
try {
  const few = times(4, (at) => toRow(`warm-${at}`, [{ role: 'user', content: 'Hello' }], 2));
  await boatload.runJob(MODEL, few);
  const shares: number[] = [];
  const speeds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rows = makeQuestions(makeRandom(1 + round));
    const { all, distinct } = countTokens(model, rows);
    const most = 1 - distinct / all;
    const ours = await boatload.runJob(MODEL, rows);
    // A child of its own each time: it has no prefix of an earlier round.
    const engine = await startEngine({ model: path });
    const shuffled = await timed(() => askAll({ baseUrl: engine.baseUrl, inFlight: IN_FLIGHT }, rows));
    await engine.stop();
    for (const { prompt } of [ours.tokens, shuffled.tokens])
      if (prompt !== all) throw new Error(`The engine counted ${prompt} tokens of prompts, the model's tokenizer ${all}.`);
    const share = (tokens: Tokens): number => tokens.cached / tokens.prompt / most;
    shares.push(share(ours.tokens));
    speeds.push(shuffled.seconds / ours.wallSeconds);
    console.log(
      `  Boatload ${ours.wallSeconds.toFixed(1)} s, cached ${share(ours.tokens).toFixed(3)} of the most   ` +
        `shuffled ${shuffled.seconds.toFixed(1)} s, cached ${share(shuffled.tokens).toFixed(3)} of the most (${(100 * most).toFixed(1)} % of all)`,
    );
  }
  console.log(
    `Cached share ${median(shares).toFixed(3)} of the most (${verdict(median(shares), GOALS.share)}), ` +
      `${median(speeds).toFixed(2)} × the rows/s of shuffled rows (${verdict(median(speeds), GOALS.speed)})`,
  );
} finally {
  await boatload.stop();
  await llama.dispose();
}
