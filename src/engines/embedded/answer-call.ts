/** Carries out a call and writes its answers, whole or as they grow. */
import type { ServerResponse } from 'node:http';
import type { Call } from './call.ts';
import { type Answer, type Generator, generate, type OnText } from './generate.ts';

/** Generates all answers and writes the reply. Rejects before anything was written, or with the signal's reason. */
export async function answerCall(call: Call, generator: Generator, response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (call.stream) {
    await stream(call, generator, response, signal);
    return;
  }
  const answers = await generateAll(call, generator, signal, () => () => {});
  const body = JSON.stringify(call.toReply(answers));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

async function stream(call: Call, generator: Generator, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const say = (chunk: object): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  const begun = new Set<number>();
  const begin = (index: number): void => {
    const beginning = begun.has(index) ? undefined : call.toBeginning(index);
    begun.add(index);
    if (beginning !== undefined) say(beginning);
  };
  const answers = await generateAll(call, generator, signal, (index) => (text, likelihoods) => {
    begin(index);
    say(call.toPiece({ index, text, likelihoods }));
  });
  // The usage is known once all have ended, and rides on the last of the endings.
  for (const [index, { finishReason }] of answers.entries()) {
    begin(index);
    say(call.toEnding({ index, finishReason, usage: index === answers.length - 1 ? call.toUsage(answers) : undefined }));
  }
  response.end('data: [DONE]\n\n');
}

/** When one answer fails, nobody needs the others. */
async function generateAll(
  call: Call,
  generator: Generator,
  signal: AbortSignal,
  hear: (index: number) => OnText,
): Promise<Answer[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    return await Promise.all(
      call.answers.map((options, index) => generate(generator, options, { signal: either, onText: hear(index) })),
    );
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
