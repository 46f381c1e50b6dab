/** `boatload run --estimate`: what a run would take, from its input, and where that is wished from a sample of its rows. Writes nothing. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Prices, priceForecast } from '../actions/price-usage.ts';
import { Problem } from '../base/problem.ts';
import type { EstimateRequest, RunEstimate, RunView } from '../cli/doors.ts';
import { makeName, PUBLIC_ACCOUNT, toModelId } from '../contract/names.ts';
import { failureMessage } from '../jobs/check-row.ts';
import { sumPlannedTokens } from '../jobs/planned-tokens.ts';
import { type PlanReading, readPlan } from '../jobs/read-plan.ts';
import { RowModels } from '../jobs/row-models.ts';
import { checkReadable } from './run-paths.ts';
import { type Sample, takeSample } from './run-sample.ts';

export interface EstimateOptions {
  readonly account: string;
  /** Undefined: costs are not told. */
  readonly prices: Prices | undefined;
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
  return toEstimate(reading, { request, sample, prices: options.prices });
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

interface Known {
  readonly request: EstimateRequest;
  readonly sample: Sample | undefined;
  readonly prices: Prices | undefined;
}

function toEstimate(reading: PlanReading, { request, sample, prices }: Known): RunEstimate {
  const { rows, format, bytes } = reading;
  const order = Uint32Array.from({ length: rows.count }, (_, row) => row);
  const [planned] = sumPlannedTokens(rows, { order, settings: request.settings, models: [''] });
  const model = sample?.model ?? request.model ?? request.engine ?? '';
  const ofAll = (perRow: number): number => Math.round(perRow * rows.count);
  const ofAllKnown = (perRow: number | null = null): number | null => (perRow === null ? null : ofAll(perRow));
  const inputTokens = ofAllKnown(sample?.inputTokens) ?? planned?.inputTokens ?? 0;
  const outputTokens = ofAllKnown(sample?.outputTokens);
  const priced = { model: makeName(PUBLIC_ACCOUNT, 'models', toModelId(model)), inputTokens, outputTokens };
  return {
    rows: rows.count,
    bytes,
    format,
    basis: sample === undefined ? 'INPUT' : 'SAMPLE',
    inputTokens,
    outputTokens,
    maxOutputTokens: planned?.maxOutputTokens ?? null,
    durationMs: sample === undefined ? null : ofAll(1 / sample.rowsPerMs),
    cost: prices === undefined ? null : priceForecast(prices, { models: [priced] }),
    sample: sample === undefined ? null : { rows: sample.rows, failed: sample.failed },
  };
}
