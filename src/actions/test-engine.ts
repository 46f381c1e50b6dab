/** Tries an engine: asks what it is, and one token of one of its models. Nothing is changed. */
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import { makeName, parseName } from '../contract/names.ts';
import type { Engine, StoredModel } from '../db/schema.ts';
import { classifyReply, type Verdict } from '../engines/classify-failure.ts';
import type { Discovery } from '../engines/discover.ts';
import { openUpstream } from '../engines/upstream.ts';
import type { Caller } from './context.ts';
import { askEngine } from './look-at-engine.ts';
import { type EngineContext, getEngine, keyOf } from './manage-engines.ts';

/** How it went. */
export interface EngineTrial {
  /** Undefined when it could not be asked. */
  readonly found: Discovery | undefined;
  /** Full name of the model that was asked. */
  readonly model: string;
  readonly durationMs: number;
  /** What is wrong; empty when it is well. */
  readonly error: string;
}

const PATIENCE_MS = 60_000;

/** Tries the engine now, from this process. */
export async function testEngine(
  context: EngineContext,
  caller: Caller,
  { name, model: wanted }: { readonly name: string; readonly model: string | undefined },
): Promise<EngineTrial> {
  const engine = await getEngine(context, caller, name);
  const model = chooseModel(engine, wanted);
  const trial = { found: undefined, model: makeName(engine.accountId, 'models', model.id), durationMs: 0 };
  try {
    const apiKey = keyOf(context, engine);
    const found = await askEngine({ url: engine.url, apiKey });
    return { ...trial, found, ...(await askOnce(engine, { model, apiKey })) };
  } catch (cause) {
    return { ...trial, error: messageOf(cause) };
  }
}

function chooseModel({ models }: Engine, wanted: string | undefined): StoredModel {
  const id = wanted === undefined ? undefined : parseName(wanted, 'models')?.id;
  const model = wanted === undefined ? models[0] : models.find((served) => served.id === id);
  if (model !== undefined) return model;
  throw new Problem(
    'NOT_FOUND',
    `The engine serves ${models.map((served) => served.id).join(', ')}, not "${wanted?.slice(0, 100)}".`,
    {
      reason: 'MODEL_NOT_FOUND',
      details: { field: 'model' },
    },
  );
}

/** The smallest request that a model answers. */
async function askOnce(
  { url }: Engine,
  { model, apiKey }: { readonly model: StoredModel; readonly apiKey: string | undefined },
): Promise<Pick<EngineTrial, 'durationMs' | 'error'>> {
  const upstream = openUpstream({ baseUrl: url, guarded: true, ...(apiKey && { apiKey }) });
  const path = model.paths?.[0] ?? '/v1/chat/completions';
  const input = BODIES[path] ?? BODIES['/v1/chat/completions'];
  const body = [Buffer.from(JSON.stringify({ model: model.servedAs, ...input }))];
  const beganMs = performance.now();
  try {
    const verdict = classifyReply(await upstream.answer({ path, body }, AbortSignal.timeout(PATIENCE_MS)));
    return { durationMs: Math.round(performance.now() - beganMs), error: wordsOf(verdict) };
  } finally {
    await upstream.close();
  }
}

const BODIES: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'Say yes.' }], max_tokens: 1 },
  '/v1/completions': { prompt: 'Yes', max_tokens: 1 },
  '/v1/embeddings': { input: 'yes' },
};

/** What an engine says of our key may repeat it. */
const wordsOf = ({ verdict, cause, message, status }: Verdict): string => {
  if (verdict === 'success') return '';
  if (cause === 'key-refused') return `It refused our key (HTTP ${status}).`;
  if (cause === 'aborted') return `It did not answer within ${PATIENCE_MS / 1_000} s.`;
  return message;
};
