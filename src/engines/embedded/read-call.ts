/** Makes a call of a request: every choice of every prompt an answer to be generated, and all of them said in the request's dialect. */
import { randomUUID } from 'node:crypto';
import { type Call, type Served, toUsage } from './call.ts';
import type { Dialect, Speech } from './dialect.ts';
import { type Fields, readBoolean, withoutNulls } from './fields.ts';
import { fitMaxTokens, readCommonOptions, toSeed } from './read-options.ts';
import { checkFields } from './request-fields.ts';

/** Understands a request; throws a `Refusal` that says what is wrong with it. */
export async function readCall(request: Fields, served: Served, dialect: Dialect): Promise<Call> {
  const body = withoutNulls(request);
  checkFields(body, dialect.kind);
  const { sampling, seed, choices, stops, ...options } = readCommonOptions(body, served.model);
  const stream = readBoolean(body, 'stream') ?? false;
  const wishes = dialect.read(body, served);
  const { topLogprobs } = wishes;
  const grammar = wishes.grammar === undefined ? undefined : await served.grammars.of(wishes.grammar);
  const answers = wishes.prompts.flatMap((prompt) => {
    const maxTokens = fitMaxTokens(body, prompt, served.contextSize);
    return Array.from({ length: choices }, (_, choice) => ({
      ...options,
      stops: [...stops, ...wishes.stops],
      prompt,
      maxTokens,
      choices,
      topLogprobs,
      grammar: grammar?.(),
      sampling: { ...sampling, seed: toSeed(seed, choice) },
    }));
  });
  return { answers, stream, ...makeSayings(served, dialect, { answers, speech: wishes.speak(answers) }) };
}

type Sayings = Omit<Call, 'answers' | 'stream'>;

interface Spoken {
  readonly answers: Call['answers'];
  readonly speech: Speech;
}

function makeSayings(served: Served, { idPrefix, object, chunkObject }: Dialect, { answers: options, speech }: Spoken): Sayings {
  const head = {
    id: `${idPrefix}-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: served.modelId,
    system_fingerprint: served.fingerprint,
  };
  const { toWhole, beginning, toPiece, toEnding, countReasoning } = speech;
  const toChunk = (choice: object) => ({ ...head, object: chunkObject, choices: [{ finish_reason: null, ...choice }] });
  const usageOf: Call['toUsage'] = (answers) => toUsage(options, answers, countReasoning);
  return {
    toUsage: usageOf,
    toReply: (answers) => ({
      ...head,
      object,
      choices: answers.map((answer, index) => ({ index, ...toWhole(answer, index) })),
      usage: usageOf(answers),
    }),
    toBeginning: (index) => beginning && toChunk({ index, ...beginning }),
    toPiece: (piece) => toChunk({ index: piece.index, ...toPiece(piece) }),
    toEnding: ({ index, finishReason, usage }) => ({
      ...toChunk({ index, ...toEnding(index, finishReason) }),
      ...(usage === undefined ? {} : { usage }),
    }),
  };
}
