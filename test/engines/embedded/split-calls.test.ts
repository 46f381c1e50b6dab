import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChatTurn } from '../../../src/engines/embedded/chat-turn.ts';

const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1.50, "b": "x"}}\n</tool_call>';
const ADD = { name: 'add', arguments: '{"a": 1.50, "b": "x"}' };
const tools = new Set(['add', 'now']);
const readWhole = (text: string) => new ChatTurn({ thinking: false, tools }).whole(text);

test.each([
  ['one call', CALL, '', [ADD]],
  ['text, then calls', `I add.\n\n${CALL}\n${CALL}\n`, 'I add.', [ADD, ADD]],
  ['text behind', `${CALL}\nDone.`, 'Done.', [ADD]],
  ['another order', '<tool_call>{"arguments": {}, "name": "now"}</tool_call>', '', [{ name: 'now', arguments: '{}' }]],
  ['no closing mark', '<tool_call>\n{"name": "now", "arguments": {}}', '', [{ name: 'now', arguments: '{}' }]],
  ['a tool that nobody offered', CALL.replace('add', 'rm'), CALL.replace('add', 'rm'), []],
  ['broken JSON', '<tool_call>{"name": "add", </tool_call> so', '<tool_call>{"name": "add", </tool_call> so', []],
  ['cut off', '<tool_call>\n{"name": "add", "argu', '<tool_call>\n{"name": "add", "argu', []],
  [
    'arguments that are none',
    '<tool_call>{"name": "add", "arguments": 3}</tool_call>',
    '<tool_call>{"name": "add", "arguments": 3}</tool_call>',
    [],
  ],
  ['a mark alone', 'a <tool_call b', 'a <tool_call b', []],
  ['space alone', ' \n', ' \n', []],
])('%s', (_, text, content, calls) => {
  const turn = readWhole(text);
  expect([turn.content, turn.calls.map((call) => call.function)]).toEqual([content, calls]);
});

test('every call has an id of its own, and says that it calls a function', () => {
  const { calls } = readWhole(CALL + CALL);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  for (const { id, type } of calls) expect([/^call_[0-9a-f]{24}$/.test(id), type]).toEqual([true, 'function']);
});

test('what is thought calls nothing', () => {
  expect(readWhole(`<think>${CALL}</think>\n\n${CALL}`)).toMatchObject({
    reasoning: CALL,
    content: '',
    calls: [{ function: ADD }],
  });
});

test('without tools a call is text', () => {
  expect(new ChatTurn({ thinking: false, tools: new Set() }).whole(`a ${CALL}`)).toMatchObject({
    content: `a ${CALL}`,
    calls: [],
  });
});

test('space behind a call is dropped, also where it comes later', () => {
  const turn = new ChatTurn({ thinking: false, tools });
  expect([turn.push(CALL), turn.push(' '), turn.push('\n yes'), turn.end()].map(({ content }) => content)).toEqual([
    '',
    '',
    'yes',
    '',
  ]);
});

test('in whatever pieces a text comes, the same calls and the same text are found', () => {
  const part = fc.constantFrom(
    CALL,
    '<tool_call>',
    '</tool_call>',
    '<tool',
    '_call>',
    '{"name": "now",',
    ' "arguments": {}}',
    '\n',
    ' yes',
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(part), cuts, (parts, lengths) => {
      const text = parts.join('');
      const turn = new ChatTurn({ thinking: false, tools });
      const ends = lengths.map((_, index) => lengths.slice(0, index + 1).reduce((sum, length) => sum + length));
      const pieces = ends.map((end, index) => turn.push(text.slice(ends[index - 1] ?? 0, end)));
      const all = [...pieces, turn.push(text.slice(ends.at(-1) ?? 0)), turn.end()];
      const whole = readWhole(text);
      expect(all.map(({ content }) => content).join('')).toBe(whole.content);
      expect(all.flatMap(({ calls }) => calls.map((call) => call.function))).toEqual(whole.calls.map((call) => call.function));
    }),
  );
});
