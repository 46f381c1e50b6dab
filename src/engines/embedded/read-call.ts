/** Makes a call of a request: every choice of every prompt an answer to be generated, and all of them said in the request's dialect. */
import { randomUUID } from 'node:crypto';
import { type Call, type Served, toUsage } from './call.ts';
import type { Dialect } from './dialect.ts';
import { type Fields, readBoolean } from './fields.ts';
import { fitMaxTokens, readCommonOptions, toSeed } from './read-options.ts';
import { checkFields } from './request-fields.ts';

/** Understands a request; throws a `Refusal` that says what is wrong with it. */
export async function readCall(body: Fields, served: Served, dialect: Dialect): Promise<Call> {
  checkFields(body, dialect.kind);
  const { sampling, seed, choices, ...options } = readCommonOptions(body, served.model);
  const topLogprobs = dialect.readTopLogprobs(body);
  const stream = readBoolean(body, 'stream') ?? false;
  const grammar = await served.grammars.of(body);
  const answers = dialect.readPrompts(body, served).flatMap((prompt) => {
    const maxTokens = fitMaxTokens(body, prompt, served.contextSize);
    return Array.from({ length: choices }, (_, choice) => ({
      ...options,
      prompt,
      maxTokens,
      choices,
      topLogprobs,
      grammar: grammar?.(),
      sampling: { ...sampling, seed: toSeed(seed, choice) },
    }));
  });
  return { answers, stream, ...makeSayings(served, answers, dialect) };
}

type Sayings = Pick<Call, 'toReply' | 'toBeginning' | 'toPiece' | 'toEnding'>;

function makeSayings(served: Served, options: Call['answers'], { idPrefix, object, chunkObject, speak }: Dialect): Sayings {
  const head = {
    id: `${idPrefix}-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: served.modelId,
    system_fingerprint: served.fingerprint,
  };
  const { toWhole, beginning, toPiece, toEnding } = speak(served, options);
  const toChunk = (choice: object, finish_reason: string | null = null) => ({
    ...head,
    object: chunkObject,
    choices: [{ ...choice, finish_reason }],
  });
  return {
    toReply: (answers) => ({
      ...head,
      object,
      choices: answers.map((answer, index) => ({ index, ...toWhole(answer), finish_reason: answer.finishReason })),
      usage: toUsage(options, answers),
    }),
    toBeginning: (index) => beginning && toChunk({ index, ...beginning }),
    toPiece: (piece) => toChunk({ index: piece.index, ...toPiece(piece) }),
    toEnding: ({ index, finishReason, usage }) => ({
      ...toChunk({ index, ...toEnding(index) }, finishReason),
      ...(usage === undefined ? {} : { usage }),
    }),
  };
}
