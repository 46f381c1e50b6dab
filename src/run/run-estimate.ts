/** `boatload run --estimate`: what a run would take, from its input, and where that is wished from a sample of its rows. Writes nothing. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Prices, priceForecast } from '../actions/price-usage.ts';
import { Problem } from '../base/problem.ts';
import type { EstimateRequest, RunEstimate, RunView } from '../cli/doors.ts';
import { makeName, PUBLIC_ACCOUNT, toModelId } from '../contract/names.ts';
import { failureMessage } from '../jobs/check-row.ts';
import { estimateLongRows } from '../jobs/long-rows.ts';
import { sumPlannedTokens } from '../jobs/planned-tokens.ts';
import { type PlanReading, readPlan } from '../jobs/read-plan.ts';
import { BYTES_PER_TOKEN } from '../jobs/row-index.ts';
import { RowModels } from '../jobs/row-models.ts';
import { findContextLength } from './run-context.ts';
import { checkReadable } from './run-paths.ts';
import { type Sample, takeSample } from './run-sample.ts';

export interface EstimateOptions {
  readonly account: string;
  /** Undefined: costs are not told. */
  readonly prices: Prices | undefined;
  /** A run whose results reach this ends early. */
  readonly outputLimitBytes: number;
  readonly view: RunView;
  readonly stop: AbortSignal;
}

/** Throws a `Problem` for an input that can't be run: the same as the run would. */
export async function estimateRun(request: EstimateRequest, options: EstimateOptions): Promise<RunEstimate> {
  const path = resolve(request.input);
  await checkReadable(path);
  await using file = await open(path);
  const reading = await readInput(file, { path, request, stop: options.stop });
  const sample = request.sampleRows === undefined ? undefined : await takeSample({ request, reading, file, ...options });
  const contextLength = sample === undefined ? await findContextLength(request, options.stop) : sample.contextLength;
  const { prices, outputLimitBytes } = options;
  return toEstimate(reading, { request, sample, prices, outputLimitBytes, contextLength });
}

interface Reading {
  readonly path: string;
  readonly request: EstimateRequest;
  readonly stop: AbortSignal;
}

async function readInput(file: FileHandle, { path, request, stop }: Reading): Promise<PlanReading> {
  const reading = await readPlan(createReadStream(path, { highWaterMark: 1024 * 1024 }), {
    readAt: async (start, length) => (await file.read(Buffer.alloc(length), 0, length, start)).buffer,
    bareRows: true,
    systemPrompt: request.settings.systemPrompt !== undefined,
    models: new RowModels({ own: { name: request.model ?? '', served: true, precision: '' } }),
    signal: stop,
  });
  const { rows, badLines } = reading;
  if (badLines.count > 0)
    throw new Problem('INVALID_ARGUMENT', failureMessage(basename(path), badLines), {
      reason: 'INVALID_DATASET',
      details: { file: basename(path), count: badLines.count, badLines: badLines.kept },
    });
  if (rows.count > 0) return reading;
  throw new Problem('INVALID_ARGUMENT', 'The dataset has no rows: every line is blank.', { reason: 'DATASET_HAS_NO_ROWS' });
}

/** Bytes of a result row beside the engine's reply, and beside the text of its answer: 33 and 470 of ours (November 2026). */
const ROW_AROUND_REPLY = 33;
const ROW_WITHOUT_TEXT = 470;

interface Known {
  readonly request: EstimateRequest;
  readonly sample: Sample | undefined;
  readonly prices: Prices | undefined;
  readonly outputLimitBytes: number;
  readonly contextLength: number | undefined;
}

function toEstimate(reading: PlanReading, known: Known): RunEstimate {
  const { rows, format, bytes } = reading;
  const { request, sample, prices, outputLimitBytes } = known;
  const order = Uint32Array.from({ length: rows.count }, (_, row) => row);
  const [planned] = sumPlannedTokens(rows, { order, settings: request.settings, models: [''] });
  const model = sample?.model ?? request.model ?? request.engine ?? '';
  const ofAll = (perRow: number): number => Math.round(perRow * rows.count);
  const ofAllKnown = (perRow: number | null = null): number | null => (perRow === null ? null : ofAll(perRow));
  const inputTokens = ofAllKnown(sample?.inputTokens) ?? planned?.inputTokens ?? 0;
  const outputTokens = ofAllKnown(sample?.outputTokens);
  const maxOutputTokens = planned?.maxOutputTokens ?? null;
  const priced = { model: makeName(PUBLIC_ACCOUNT, 'models', toModelId(model)), inputTokens, outputTokens };
  return {
    rows: rows.count,
    bytes,
    format,
    basis: sample === undefined ? 'INPUT' : 'SAMPLE',
    inputTokens,
    outputTokens,
    maxOutputTokens,
    durationMs: sample === undefined ? null : ofAll(1 / sample.rowsPerMs),
    outputBytes: sample === undefined ? null : ofAll(sample.bytes + ROW_AROUND_REPLY),
    maxOutputBytes: maxOutputTokens === null ? null : ofAll(ROW_WITHOUT_TEXT) + maxOutputTokens * BYTES_PER_TOKEN,
    outputLimitBytes,
    ...countLong(reading, { ...known, order }),
    cost: prices === undefined ? null : priceForecast(prices, { models: [priced] }),
    sample: sample === undefined ? null : { rows: sample.rows, failed: sample.failed },
  };
}

function countLong(
  { rows }: PlanReading,
  { request: { settings, engine }, contextLength, order }: Known & { readonly order: Uint32Array },
): Pick<RunEstimate, 'contextLength' | 'longRows'> {
  if (contextLength === undefined) return { contextLength: null, longRows: null };
  const { maxTokens = 0, systemPrompt = '' } = settings;
  const [longRows = 0] = estimateLongRows(rows, {
    ...{ order, contextTokens: [contextLength], maxTokens },
    cutsAnswers: engine === undefined,
    moreBytes: Buffer.byteLength(systemPrompt),
  });
  return { contextLength, longRows };
}
