/** What every engine must do. A driver's test opens one and runs this. */
import { describe, expect, test } from 'vitest';
import type { Engine, EngineAnswer, EngineReply, EngineStream } from '../../src/engines/engine.ts';

export interface OpenedEngine {
  readonly engine: Engine;
  /** What the engine calls its model. */
  readonly model: string;
}

const NEVER = new AbortController().signal;

const chat = (model: string, content: string) => ({
  model,
  messages: [{ role: 'user', content }],
  max_tokens: 16,
  temperature: 0,
  seed: 1,
});

const toBody = (request: unknown) => [Buffer.from(JSON.stringify(request))];

const expectAnswer = (reply: EngineReply): EngineAnswer => {
  if (reply.kind === 'silence') throw new Error(`${reply.cause}: ${reply.message}`);
  return reply;
};

const expectStream = (reply: EngineReply | EngineStream): EngineStream => {
  if (reply.kind === 'stream') return reply;
  throw new Error(reply.kind === 'silence' ? `${reply.cause}: ${reply.message}` : reply.body.toString());
};

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string }; readonly finish_reason: string | null }[];
  readonly usage?: object | null;
}

/** The chunks of a stream, which has to end with its mark. */
async function readChunks({ events }: EngineStream): Promise<readonly Chunk[]> {
  const data: string[] = [];
  for await (const event of events) {
    expect(event.toString()).toMatch(/^data: .*\n\n$/);
    data.push(event.toString().slice('data: '.length, -2));
  }
  expect(data.pop()).toBe('[DONE]');
  return data.map((chunk) => JSON.parse(chunk));
}

const readAnswer = (reply: EngineReply) => JSON.parse(expectAnswer(reply).body.toString());

/** `open` gives an engine that is ready; it is closed here. */
export function engineConformance(open: () => Promise<OpenedEngine>): void {
  const withEngine = async (use: (opened: OpenedEngine) => Promise<void>) => {
    const opened = await open();
    try {
      await use(opened);
    } finally {
      await opened.engine.close();
    }
  };
  const ask = ({ engine, model }: OpenedEngine, content: string, signal = NEVER) =>
    engine.answer({ path: '/v1/chat/completions', body: toBody(chat(model, content)) }, signal);

  const STREAMED = { stream: true, stream_options: { include_usage: true } };
  const askStream = ({ engine, model }: OpenedEngine, content: string, signal = NEVER) =>
    engine.stream({ path: '/v1/chat/completions', body: toBody({ ...chat(model, content), ...STREAMED }) }, signal);

  describe('every engine', () => {
    test('has a name, and lists its model', () =>
      withEngine(async ({ engine, model }) => {
        expect(engine.name).not.toBe('');
        expect((await engine.models()).map(({ id }) => id)).toContain(model);
      }));

    test('answers a chat request with choices and usage, as JSON', () =>
      withEngine(async (opened) => {
        const answer = expectAnswer(await ask(opened, 'Say something.'));
        expect(answer.status).toBe(200);
        expect(answer.headers['content-type']).toContain('application/json');
        const reply = readAnswer(answer);
        expect(reply.object).toBe('chat.completion');
        expect(typeof reply.choices[0].message.content).toBe('string');
        expect(['stop', 'length']).toContain(reply.choices[0].finish_reason);
        expect(reply.usage.prompt_tokens).toBeGreaterThan(0);
        expect(reply.usage.total_tokens).toBe(reply.usage.prompt_tokens + reply.usage.completion_tokens);
      }));

    test('takes a body in any pieces', () =>
      withEngine(async ({ engine, model }) => {
        const [whole] = toBody(chat(model, 'Grüße, 世界! 🚢'));
        const pieces = Array.from(whole ?? [], (byte) => Buffer.of(byte));
        const [first, second] = await Promise.all(
          [[whole ?? Buffer.of()], pieces].map((body) => engine.answer({ path: '/v1/chat/completions', body }, NEVER)),
        );
        expect(readAnswer(second as EngineReply).choices).toEqual(readAnswer(first as EngineReply).choices);
      }));

    test('answers many at once, each with its own', () =>
      withEngine(async (opened) => {
        const contents = Array.from({ length: 12 }, (_, at) => `Request number ${at}.`);
        const together = await Promise.all(contents.map((content) => ask(opened, content)));
        expect(together.map((reply) => expectAnswer(reply).status)).toEqual(contents.map(() => 200));
        expect(new Set(together.map((reply) => readAnswer(reply).id)).size).toBe(contents.length);
      }));

    test('refuses what is not JSON, in words', () =>
      withEngine(async ({ engine }) => {
        const answer = expectAnswer(
          await engine.answer({ path: '/v1/chat/completions', body: [Buffer.from('{"messages":')] }, NEVER),
        );
        expect(answer.status).toBe(400);
        expect(readAnswer(answer).error.message).not.toBe('');
      }));

    test('says 404 to a path that it does not have', () =>
      withEngine(async ({ engine, model }) => {
        const answer = expectAnswer(await engine.answer({ path: '/v1/nonsense', body: toBody(chat(model, 'hello')) }, NEVER));
        expect(answer.status).toBe(404);
      }));

    test('gives up at once when it is told to before or after it began, and goes on with the next', () =>
      withEngine(async (opened) => {
        expect(await ask(opened, 'never', AbortSignal.abort())).toMatchObject({ kind: 'silence', cause: 'aborted' });
        const abort = new AbortController();
        const asked = ask(opened, 'not for long', abort.signal);
        abort.abort();
        expect(await asked).toMatchObject({ kind: 'silence', cause: 'aborted' });
        expect(expectAnswer(await ask(opened, 'next')).status).toBe(200);
      }));

    test('says the same streamed, event by event, with the same usage', () =>
      withEngine(async (opened) => {
        const content = 'Grüße aus 世界! 🚢🚢 and a few words more';
        const whole = readAnswer(await ask(opened, content));
        const streamed = expectStream(await askStream(opened, content));
        expect(streamed.headers['content-type']).toContain('text/event-stream');
        const chunks = await readChunks(streamed);
        const choices = chunks.flatMap((chunk) => chunk.choices);
        expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(whole.choices[0].message.content);
        expect(choices.filter(({ finish_reason: reason }) => reason !== null)).toMatchObject([
          { finish_reason: whole.choices[0].finish_reason },
        ]);
        const { prompt_tokens, completion_tokens, total_tokens } = whole.usage;
        expect(chunks.flatMap(({ usage }) => usage ?? [])).toMatchObject([{ prompt_tokens, completion_tokens, total_tokens }]);
        const { bytes, silence } = await streamed.ended;
        expect(silence).toBeUndefined();
        expect(bytes).toBeGreaterThan(0);
      }));

    test('refuses a stream as it refuses an answer: with a status, in words', () =>
      withEngine(async ({ engine, model }) => {
        const stream = (path: string, body: Buffer) => engine.stream({ path, body: [body] }, NEVER);
        const broken = await stream('/v1/chat/completions', Buffer.from('{"messages":'));
        expect(expectAnswer(broken as EngineReply).status).toBe(400);
        const lost = await stream('/v1/nonsense', toBody({ ...chat(model, 'hello'), ...STREAMED })[0] as Buffer);
        expect(expectAnswer(lost as EngineReply).status).toBe(404);
      }));

    test('gives a stream up at once, before and in the middle of it, and goes on with the next', () =>
      withEngine(async (opened) => {
        expect(await askStream(opened, 'never', AbortSignal.abort())).toMatchObject({ kind: 'silence', cause: 'aborted' });
        const abort = new AbortController();
        const streamed = expectStream(await askStream(opened, 'one two three four five six seven', abort.signal));
        abort.abort();
        await streamed.ended;
        for await (const _ of streamed.events);
        const left = expectStream(await askStream(opened, 'one two three four five six seven'));
        for await (const _ of left.events) break;
        await left.ended;
        expect(await readChunks(expectStream(await askStream(opened, 'next')))).not.toEqual([]);
      }));

    test('leaves no listener on a signal that outlives its requests', () =>
      withEngine(async (opened) => {
        const { signal } = new AbortController();
        const listeners = new Set<unknown>();
        const { addEventListener, removeEventListener } = signal;
        signal.addEventListener = (...[type, listener, options]: Parameters<typeof addEventListener>) => {
          listeners.add(listener);
          addEventListener.call(signal, type, listener, options);
        };
        signal.removeEventListener = (...[type, listener, options]: Parameters<typeof removeEventListener>) => {
          listeners.delete(listener);
          removeEventListener.call(signal, type, listener, options);
        };
        await Promise.all([ask(opened, 'one', signal), ask(opened, 'two', signal)]);
        for await (const _ of expectStream(await askStream(opened, 'three', signal)).events);
        expect(listeners.size).toBe(0);
      }));

    test('never rejects: after it is closed there is silence', async () => {
      const opened = await open();
      await opened.engine.close();
      const reply = await ask(opened, 'anybody there?');
      expect(reply.kind).toBe('silence');
      expect((await askStream(opened, 'anybody?')).kind).toBe('silence');
    });
  });
}
