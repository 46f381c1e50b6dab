import { expect, test } from 'vitest';
import { placeUsage, type UsagePlace } from '../../src/jobs/place-usage.ts';

const DONE = 'data: [DONE]\n\n';
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const chunk = (fields: object) => `data: ${JSON.stringify({ id: 'c', ...fields })}\n\n`;
const delta = (content: string, index = 0) => chunk({ choices: [{ index, delta: { content }, finish_reason: null }] });
const ending = (fields: object = {}, index = 0) => chunk({ choices: [{ index, delta: {}, finish_reason: 'stop' }], ...fields });
const own = chunk({ choices: [], usage: USAGE });

async function* toEvents(events: readonly string[]) {
  for (const event of events) yield Buffer.from(event);
}
const place = async (place: UsagePlace, ...events: string[]) =>
  (await Array.fromAsync(placeUsage(toEvents(events), place))).map(String);

/** As vLLM says it, as Fireworks does, and with both. */
const FORMS = [[ending(), own], [ending({ usage: USAGE })], [ending({ usage: USAGE }), own]];

test.each(FORMS)('the usage rides on the last chunk with content, however the engine says it', async (...end) => {
  expect(await place('in-last-chunk', delta('a'), ...end, DONE)).toEqual([delta('a'), ending({ usage: USAGE }), DONE]);
});

test.each(FORMS)('the usage comes in a chunk of its own, however the engine says it', async (...end) => {
  expect(await place('in-own-chunk', delta('a'), ...end, DONE)).toEqual([delta('a'), ending(), own, DONE]);
});

test('of several answers the last to end has it', async () => {
  const events = [delta('a'), ending(), delta('b', 1), ending({}, 1), own, DONE];
  expect(await place('in-last-chunk', ...events)).toEqual([
    delta('a'),
    ending(),
    delta('b', 1),
    ending({ usage: USAGE }, 1),
    DONE,
  ]);
});

test('an engine that counts as it goes is taken at its last word', async () => {
  const counted = (content: string, total_tokens: number) =>
    chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: { total_tokens } });
  const events = [counted('a', 1), counted('b', 2), ending({ usage: { total_tokens: 3 } }), DONE];
  expect(await place('in-own-chunk', ...events)).toEqual([
    delta('a'),
    delta('b'),
    ending(),
    chunk({ choices: [], usage: { total_tokens: 3 } }),
    DONE,
  ]);
});

test('bytes that say nothing of an end stay as they are, words about ends too', async () => {
  const odd = [
    'data: { "choices" : [ {"delta":{"content":"\\"finish_reason\\":\\"stop\\" \\"usage\\":{"}} ] }\n\n',
    ': still here\n\n',
    'data: [1,\n\n',
  ];
  expect(await place('in-last-chunk', ...odd)).toEqual(odd);
});

test('a stream that breaks off before its mark lets go of what was held', async () => {
  expect(await place('in-last-chunk', delta('a'), ending())).toEqual([delta('a'), ending()]);
  expect(await place('in-own-chunk', delta('a'), ending(), own)).toEqual([delta('a'), ending(), own]);
});
