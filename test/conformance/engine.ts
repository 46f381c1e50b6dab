/** What every engine must do. A driver's test opens one and runs this. */
import { describe, expect, test } from 'vitest';
import type { Engine, EngineAnswer, EngineReply } from '../../src/engines/engine.ts';

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
        expect(listeners.size).toBe(0);
      }));

    test('never rejects: after it is closed there is silence', async () => {
      const opened = await open();
      await opened.engine.close();
      const reply = await ask(opened, 'anybody there?');
      expect(reply.kind).toBe('silence');
    });
  });
}
