/** A model that writes: chats and texts go in, texts come out. */
import { answerCall } from './answer-call.ts';
import type { Served } from './call.ts';
import { chat } from './chat.ts';
import { completions } from './completions.ts';
import { countPrompt } from './count-prompt.ts';
import type { Dialect } from './dialect.ts';
import { sayMetrics, toMetrics } from './engine-metrics.ts';
import type { Generator } from './generate.ts';
import { readCall } from './read-call.ts';
import type { ReadyModel } from './ready-model.ts';

const DIALECTS: Readonly<Record<string, Dialect>> = { '/v1/chat/completions': chat, '/v1/completions': completions };

/** Answers in the dialects of chat and text completions. */
export function toWriter(served: Served, generator: Generator): ReadyModel {
  return {
    modelId: served.modelId,
    contextSize: served.contextSize,
    trainContextSize: served.model.trainContextSize,
    paths: Object.keys(DIALECTS),
    slots: generator.slots.total,
    answer: async ({ path, body }, response, signal) =>
      answerCall(await readCall(body, served, dialectOf(path)), generator, response, signal),
    count: ({ path, body }) => countPrompt(body, served, dialectOf(path)),
    metrics: () => sayMetrics(toMetrics(generator)),
  };
}

function dialectOf(path: string): Dialect {
  const dialect = DIALECTS[path];
  if (dialect === undefined) throw new Error(`A model that writes was asked at ${path}.`);
  return dialect;
}
