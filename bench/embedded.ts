/**
 * How fast is the embedded engine beside llama.cpp's own programs, with the same model, slots and threads? They take turns in each round; the figures are medians of
 * per-round ratios. Decoding beside the batched bench, which draws no tokens and speaks no HTTP; jobs of 32 rows through one server of Boatload, on the embedded engine and on
 * llama-server behind its URL; the same job beside the engine alone, driven by a bare loop; the start. Random models, as speed knows no sense.
 *
 *   LLAMA_CPP_BIN=<folder> node bench/embedded.ts [rounds] [--only decode,job,prefix,start] [--threads 1] [--fused] [--tiny]       Linux only (reads /proc)
 */
import { parseArgs } from 'node:util';
import { askAll } from './embedded/bare-loop.ts';
import { type JobCost, startBoatload } from './embedded/boatload.ts';
import { openDecoder } from './embedded/decode.ts';
import { startEngine } from './embedded/engine.ts';
import { findLlamaCpp, HOW_TO_GET_THEM, runBatchedBench, startLlamaServer } from './embedded/llama-cpp.ts';
import { type ModelName, makeModel } from './embedded/models.ts';
import { cpuSecondsOf } from './embedded/process-cost.ts';
import { makeRows } from './embedded/rows.ts';
import { measureStart } from './embedded/start.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: 'boolean', default: false },
    only: { type: 'string', default: 'decode,job,prefix,start' },
    // What the engine takes by itself on two cores.
    threads: { type: 'string', default: '1' },
    fused: { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(positionals[0] ?? (values.tiny ? 1 : 5));
const THREADS = Number(values.threads);
const LLAMA_CPP = findLlamaCpp();
/** Whether llama.cpp's programs join the steps of attention; the embedded engine does not, for the same text alone and in a batch. */
const FLASH_ATTENTION = values.fused;

interface Decoding {
  readonly name: ModelName;
  readonly promptWords: number;
  readonly answerTokens: number;
  readonly goal: number;
  /** Whether to say what flash attention would give. */
  readonly both: boolean;
}

const DECODINGS: readonly Decoding[] = values.tiny
  ? [{ name: 'tiny', promptWords: 8, answerTokens: 4, goal: 0, both: false }]
  : [
      { name: '135m', promptWords: 16, answerTokens: 24, goal: 0.9, both: true },
      { name: '0.6b', promptWords: 8, answerTokens: 12, goal: 0.95, both: false },
    ];
const SEQUENCES = values.tiny ? [4] : [16, 32];
const JOB = values.tiny
  ? { model: 'tiny', rows: 8, sharedWords: 80, ownWords: 8, answerTokens: 4, contextSize: 1_024 }
  : { model: '135m', rows: 32, sharedWords: 300, ownWords: 40, answerTokens: 24, contextSize: 1_024 };
/** What the engine takes by itself for models of this size. */
const SLOTS = 16;

const median = (figures: readonly number[]): number => {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

/** The median of a figure over all rounds, beside its goal. */
function judge(what: string, figures: readonly number[], goal: { readonly least?: number; readonly most?: number }): void {
  const figure = median(figures);
  const isMet = figure >= (goal.least ?? Number.NEGATIVE_INFINITY) && figure <= (goal.most ?? Number.POSITIVE_INFINITY);
  const wanted = goal.least === undefined ? `≤ ${goal.most}` : `≥ ${goal.least}`;
  const all = figures.map((each) => each.toFixed(2)).join(', ');
  console.log(`  = ${what} ${figure.toFixed(3)} (goal ${wanted}: ${isMet ? 'met' : 'MISSED'}; rounds: ${all})`);
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

async function compareDecoding({ name, promptWords, answerTokens, goal, both }: Decoding, sequences: number): Promise<void> {
  const shared = { model: makeModel(name), sequences, answerTokens, threads: THREADS };
  console.log(`\nDecoding, ${name}, ${sequences} sequences, ${THREADS} thread(s)`);
  const theirs = async (flashAttention: boolean): Promise<number> =>
    LLAMA_CPP === undefined ? Number.NaN : runBatchedBench(LLAMA_CPP, { ...shared, promptTokens: promptWords, flashAttention });
  const decoder = await openDecoder({ ...shared, promptWords });
  const ratios: number[] = [];
  try {
    for (const _ of numbers(ROUNDS)) {
      const [ours, same] = [await decoder.measure(), await theirs(FLASH_ATTENTION)];
      ratios.push(ours / same);
      console.log(`  embedded ${ours.toFixed(1)} tokens/s, batched bench ${same.toFixed(1)}`);
    }
  } finally {
    await decoder.stop();
  }
  if (LLAMA_CPP === undefined) return;
  judge('× batched bench', ratios, { least: goal });
  if (both)
    console.log(`  batched bench -fa ${FLASH_ATTENTION ? 'off' : 'on'}: ${(await theirs(!FLASH_ATTENTION)).toFixed(1)} tokens/s`);
}

const perSecond = ({ wallSeconds }: JobCost): number => JOB.rows / wallSeconds;
const toWords = (name: string, { wallSeconds, cpuSeconds, tokens }: JobCost): string =>
  `${name} ${wallSeconds.toFixed(2)} s, ${((1_000 * cpuSeconds) / JOB.rows).toFixed(0)} ms CPU a row, ${tokens.prompt - tokens.cached} prompt tokens evaluated`;

async function compareJobs(parts: readonly string[]): Promise<void> {
  const model = makeModel(JOB.model as ModelName); // one of ours
  const { contextSize } = JOB;
  const serving = { model, name: 'llama-server', slots: SLOTS, contextSize, threads: THREADS, flashAttention: FLASH_ATTENTION };
  const llama = LLAMA_CPP === undefined ? undefined : await startLlamaServer(LLAMA_CPP, serving);
  const engine = await startEngine({ model, slots: SLOTS, threads: THREADS });
  const boatload = await startBoatload(['--model', model, ...(llama === undefined ? [] : ['--engine', llama.baseUrl])]);
  const runs: Runs = {
    embedded: (rows) => boatload.runJob(JOB.model, rows),
    llama: llama && ((rows) => boatload.runJob('llama-server', rows, [llama.pid])),
    bare: async (rows) => {
      const [began, before] = [performance.now(), cpuSecondsOf(engine.pid)];
      const tokens = await askAll({ baseUrl: engine.baseUrl, inFlight: rows.length }, rows);
      return { wallSeconds: (performance.now() - began) / 1e3, cpuSeconds: cpuSecondsOf(engine.pid) - before, tokens };
    },
  };
  try {
    // The first rows after a start pay for what is compiled and opened.
    const few = makeRows({ count: 2, ownWords: 4, answerTokens: 2, seed: 1 });
    await Promise.all([runs.embedded(few), runs.llama?.(few), runs.bare(few)]);
    if (parts.includes('job')) await compareJob(runs);
    if (parts.includes('prefix')) await comparePrefixJob(runs);
  } finally {
    await Promise.all([boatload.stop(), engine.stop(), llama?.stop()]);
  }
}

interface Runs {
  embedded(rows: ReturnType<typeof makeRows>): Promise<JobCost>;
  readonly llama: ((rows: ReturnType<typeof makeRows>) => Promise<JobCost>) | undefined;
  /** The engine alone; the loop's own CPU is not counted. */
  bare(rows: ReturnType<typeof makeRows>): Promise<JobCost>;
}

const rowsOfRound = (round: number, sharedWords: number) =>
  makeRows({
    count: JOB.rows,
    sharedWords,
    ownWords: JOB.ownWords,
    answerTokens: JOB.answerTokens,
    seed: 100 * round + sharedWords,
  });

async function compareJob({ embedded, llama, bare }: Runs): Promise<void> {
  console.log(`\nA job of ${JOB.rows} rows, ${JOB.model}, ${SLOTS} slots, ${THREADS} thread(s)`);
  const rates: number[] = [];
  const cpu: number[] = [];
  const wholes: number[] = [];
  for (const round of numbers(ROUNDS)) {
    const rows = rowsOfRound(round, 0);
    const ours = await embedded(rows);
    const alone = await bare(rows);
    const theirs = await llama?.(rows);
    wholes.push(perSecond(ours) / perSecond(alone));
    if (theirs !== undefined) {
      rates.push(perSecond(ours) / perSecond(theirs));
      cpu.push(ours.cpuSeconds / theirs.cpuSeconds);
    }
    const said = [toWords('embedded', ours), toWords('engine alone', alone)];
    console.log(`  ${[...said, ...(theirs === undefined ? [] : [toWords('llama-server', theirs)])].join(' | ')}`);
  }
  judge('whole job × the engine alone', wholes, { least: 0.97 });
  if (llama === undefined) return;
  judge('rows/s × llama-server', rates, { least: 1 });
  judge('CPU a row × llama-server', cpu, { most: 1 });
}

async function comparePrefixJob({ embedded, llama }: Runs): Promise<void> {
  console.log(`\nThe same with ${JOB.sharedWords} tokens that all rows share`);
  const rates: number[] = [];
  for (const round of numbers(ROUNDS)) {
    const rows = rowsOfRound(round, JOB.sharedWords);
    const ours = await embedded(rows);
    const theirs = await llama?.(rows);
    if (theirs !== undefined) rates.push(perSecond(ours) / perSecond(theirs));
    const said = [toWords('embedded', ours), ...(theirs === undefined ? [] : [toWords('llama-server', theirs)])];
    console.log(`  ${said.join(' | ')}`);
  }
  if (llama !== undefined) judge('rows/s × llama-server', rates, { least: 1.5 });
}

async function compareStarts(): Promise<void> {
  console.log('\nFrom nothing to the first token, the model that is shipped');
  const starts = [];
  for (const _ of numbers(ROUNDS)) {
    const start = await measureStart();
    starts.push(start);
    console.log(`  ${start.firstTokenSeconds.toFixed(2)} s, peak ${start.peakMb.toFixed(0)} MB`);
  }
  judge(
    'seconds',
    starts.map(({ firstTokenSeconds }) => firstTokenSeconds),
    { most: 1.5 },
  );
  judge(
    'MB',
    starts.map(({ peakMb }) => peakMb),
    { most: 150 },
  );
}

if (LLAMA_CPP === undefined && !values.tiny) {
  console.error(HOW_TO_GET_THEM);
  process.exit(1);
}
const parts = values.only.split(',');
if (parts.includes('decode'))
  for (const decoding of DECODINGS) for (const sequences of SEQUENCES) await compareDecoding(decoding, sequences);
if (parts.includes('job') || parts.includes('prefix')) await compareJobs(parts);
if (parts.includes('start')) await compareStarts();
