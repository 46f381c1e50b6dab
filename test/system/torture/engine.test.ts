import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answerOf, digestOf, readQuestion } from '../../../src/torture/answers.ts';
import { type EngineOptions, startEngine } from '../../../src/torture/engine.ts';
import { readCalls } from '../../../src/torture/read-lines.ts';
import { makeFolder } from '../../support/folder.ts';

async function start(options: EngineOptions = {}) {
  const engine = await startEngine(options);
  onTestFinished(() => engine.close());
  const ask = (path: string, body: object) =>
    fetch(`${engine.url}${path}`, { method: 'POST', body: JSON.stringify({ model: 'm', ...body }) });
  return { engine, ask };
}

const chat = (text: string, others: object = {}) => ({ messages: [{ role: 'user', content: text }], ...others });

test('answers each endpoint with what belongs to the text, says truly what it cost, and writes it down', async () => {
  const log = join(await makeFolder(), 'calls.jsonl');
  const { engine, ask } = await start({ log });
  const { content, promptTokens, completionTokens } = answerOf(readQuestion(chat('[[one]] What is it?')));
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens };
  const reply = await ask('/chat/completions', chat('[[one]] What is it?'));
  const text = await reply.text();
  expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content } }], usage });
  expect(await (await ask('/completions', { prompt: '[[one]] What is it?' })).json()).toMatchObject({
    choices: [{ text: content }],
    usage,
  });
  const vectors = await Promise.all(
    ['a', 'a', 'b'].map(async (input) => JSON.parse(await (await ask('/embeddings', { input })).text()).data[0].embedding),
  );
  expect(vectors[0]).toEqual(vectors[1]);
  expect(vectors[0]).not.toEqual(vectors[2]);
  const events = await (await ask('/chat/completions', chat('[[two]]', { stream: true }))).text();
  expect(events).toMatch(/^data: .*"two.*\n\ndata: \[DONE\]\n\n$/s);
  expect(await (await fetch(`${engine.url}/models`)).json()).toMatchObject({ data: [{ id: 'torture' }] });
  await engine.close();
  const calls = await Array.fromAsync(readCalls(log));
  expect(calls).toEqual(engine.calls);
  expect(calls[0]).toMatchObject({
    key: 'one',
    attempt: 1,
    status: 200,
    complete: true,
    digest: digestOf(text),
    promptTokens,
    completionTokens,
  });
  expect(calls[1]).toMatchObject({ key: 'one', attempt: 2 });
});

test('meets the same fault again for the same seed, key and attempt, and none after the faulty attempts', async () => {
  const plan = { seed: 7, faults: { '500': 0.3, 'reset-before': 0.2 }, faultyAttempts: 1 } as const;
  const tell = async (seed: number) => {
    const { ask } = await start({ plan: { ...plan, seed } });
    const outcomeOf = (key: number) =>
      ask('/chat/completions', chat(`[[${key}]]`)).then(
        ({ status }) => status,
        () => 'reset',
      );
    const keys = Array.from({ length: 60 }, (_, key) => key);
    const [first, second] = [await Promise.all(keys.map(outcomeOf)), await Promise.all(keys.map(outcomeOf))];
    expect(new Set(second)).toEqual(new Set([200]));
    return first;
  };
  const [first, again, other] = await Promise.all([tell(7), tell(7), tell(8)]);
  expect(first).toEqual(again);
  expect(first).not.toEqual(other);
  expect(new Set(first)).toEqual(new Set([200, 500, 'reset']));
});

test('a call that nobody waits for any more is no answer', async () => {
  const { engine } = await start({ plan: { seed: 1, faults: { hang: 1 } } });
  const leaving = new AbortController();
  const asked = fetch(`${engine.url}/completions`, { method: 'POST', body: '{"prompt":"[[late]]"}', signal: leaving.signal });
  const answered = engine.untilAnswered(1);
  setImmediate(() => leaving.abort());
  await expect(asked).rejects.toThrow();
  engine.plan = { seed: 1 };
  await (await fetch(`${engine.url}/completions`, { method: 'POST', body: '{"prompt":"[[good]]"}' })).text();
  await answered;
  expect(engine.calls.filter(({ complete }) => complete).map(({ key }) => key)).toEqual(['good']);
});
