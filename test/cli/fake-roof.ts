/** Doors that do what the test says. */
import type { Doors, Roof, RunSummary, UpFacts } from '../../src/cli/doors.ts';

/** A roof whose unnamed doors must not be opened. */
export const makeRoof = (doors: Partial<Doors>): Roof => ({
  versions: () => Promise.resolve({ boatload: '0.1.0', engine: 'llama.cpp b1', schema: '3' }),
  doors: () => Promise.resolve({ ...SHUT, ...doors }),
});

const mustNotOpen = (): Promise<never> => Promise.reject(new Error('Expected this door to stay shut'));
const SHUT: Doors = {
  run: mustNotOpen,
  estimate: mustNotOpen,
  up: mustNotOpen,
  serve: mustNotOpen,
  work: mustNotOpen,
  migrate: mustNotOpen,
  config: mustNotOpen,
  examine: mustNotOpen,
  exportTo: mustNotOpen,
  importFrom: mustNotOpen,
};

/** A run that went well, but for what the test changes. */
export const makeSummary = (changes: Partial<RunSummary> = {}): RunSummary => ({
  outcome: 'COMPLETED',
  message: null,
  total: 1_000,
  ok: 1_000,
  failed: 0,
  unfinished: 0,
  inputTokens: 118_204,
  outputTokens: 54_911,
  cachedTokens: 0,
  elapsedMs: 85_000,
  output: 'answers.jsonl',
  errors: null,
  causes: [],
  ...changes,
});

/** A run whose three bad rows failed for two causes. */
export const withFailures: Partial<RunSummary> = {
  ok: 997,
  failed: 3,
  errors: 'answers.errors.jsonl',
  causes: [
    { cause: 'context_length_exceeded', rows: 2, example: 'The prompt has 5,120 tokens,\n the context 4,096.' },
    { cause: 'total-timeout', rows: 1, example: 'No answer within 3,600 s.' },
  ],
};

/** A server that came up. */
export const makeUpFacts = (changes: Partial<UpFacts> = {}): UpFacts => ({
  ms: 2_800,
  url: 'http://127.0.0.1:8080',
  account: 'local',
  apiKey: 'bl_live_3fK',
  apiKeyIsNew: true,
  apiKeyFile: '/home/ann/.config/boatload/config.toml',
  addresses: [{ name: 'Fireworks', url: 'http://127.0.0.1:8080/v1/accounts/local' }],
  ...changes,
});
