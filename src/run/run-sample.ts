/** Answers a few rows, spread over the input, to learn how long answers are and how fast they come. */
import type { FileHandle } from 'node:fs/promises';
import { makeLog } from '../base/log.ts';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import type { EstimateRequest, RunView } from '../cli/doors.ts';
import type { EngineReply } from '../engines/engine.ts';
import type { PlanReading } from '../jobs/read-plan.ts';
import { compileRequest } from '../jobs/request.ts';
import type { OpenedModel } from '../shelf/model-shelf.ts';
import { chooseModel } from './run-model.ts';

/** Tokens are averages of the rows whose answers count them; null where none does. */
export interface Sample {
  /** The engine's name for the model. */
  readonly model: string;
  readonly rows: number;
  readonly failed: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Of a reply. */
  readonly bytes: number;
  /** Tokens of prompt and answer together, where the engine says. */
  readonly contextLength: number | undefined;
  readonly rowsPerMs: number;
}

export interface SampleOptions {
  readonly request: EstimateRequest;
  readonly reading: PlanReading;
  readonly file: FileHandle;
  readonly account: string;
  readonly view: RunView;
  readonly stop: AbortSignal;
}

/** Where neither the flags nor the engine say how many requests it takes at once. */
const AT_ONCE = 8;

/** Throws a `Problem` `SAMPLE_FAILED` when no row has an answer. */
export async function takeSample(options: SampleOptions): Promise<Sample> {
  const { request, account, view, stop } = options;
  const shelved = await chooseModel(request, { account, view, stop, log: () => makeLog({ level: 'warn', to: process.stderr }) });
  const opened = await shelved.open();
  try {
    return await measure(opened, options);
  } finally {
    await opened.engine.close();
  }
}

async function measure({ engine, model }: OpenedModel, { request, reading, file, stop }: SampleOptions): Promise<Sample> {
  const { rows, format } = reading;
  const maker = compileRequest(request.settings, {
    model: model.id,
    format,
    ...(model.contextLength !== undefined && { maxTokensLimit: model.contextLength }),
  });
  const chosen = spread(rows.count, request.sampleRows ?? 1);
  const waiting = chosen.values();
  const replies: EngineReply[] = [];
  const askOn = async (): Promise<void> => {
    for (const row of waiting) {
      stop.throwIfAborted();
      const length = rows.length[row] ?? 0;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, rows.offset[row] ?? 0);
      const { path, body } = maker.make(buffer, row);
      replies.push(await engine.answer({ path, body }, stop));
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: request.concurrency ?? engine.slots ?? AT_ONCE }, askOn));
  // Requests that were given up have a reply, too.
  stop.throwIfAborted();
  return { ...toSample(replies, performance.now() - began), model: model.id, contextLength: model.contextLength };
}

/** Evenly over the input, whose rows are often of one kind for a while. */
const spread = (count: number, wanted: number): readonly number[] => {
  const rows = Math.min(count, wanted);
  return Array.from({ length: rows }, (_, at) => Math.floor(((at + 0.5) * count) / rows));
};

function toSample(replies: readonly EngineReply[], ms: number): Omit<Sample, 'model' | 'contextLength'> {
  const usages = replies.flatMap((reply) => readUsage(reply) ?? []);
  const [first] = replies;
  if (usages.length === 0) throw failed(first);
  return {
    rows: replies.length,
    failed: replies.length - usages.length,
    inputTokens: average(usages.map(({ prompt_tokens: tokens }) => tokens)),
    outputTokens: average(usages.map(({ completion_tokens: tokens }) => tokens)),
    bytes: average(replies.flatMap((reply) => (reply.kind === 'answer' ? [reply.body.length] : []))) ?? 0,
    rowsPerMs: replies.length / ms,
  };
}

function average(tokens: readonly (number | undefined)[]): number | null {
  const known = tokens.filter((number) => number !== undefined);
  return known.length === 0 ? null : known.reduce((sum, number) => sum + number, 0) / known.length;
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
}

/** Undefined for what is no answer; empty for one that counts nothing. */
function readUsage(reply: EngineReply): Usage | undefined {
  if (reply.kind !== 'answer' || reply.status !== 200) return undefined;
  try {
    return (JSON.parse(reply.body.toString()) as { readonly usage?: Usage | null }).usage ?? {};
  } catch {
    return undefined;
  }
}

function failed(reply: EngineReply | undefined): Problem {
  const words =
    reply?.kind === 'answer' ? `${reply.status} ${messageOf(reply.body.toString()).slice(0, 300)}` : (reply?.message ?? '');
  return new Problem(
    'UNAVAILABLE',
    `No row of the sample has an answer; the first: ${words.replace(/\.$/, '')}. Correct the row or the engine, or leave out --sample.`,
    { reason: 'SAMPLE_FAILED' },
  );
}
