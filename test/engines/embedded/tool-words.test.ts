import { expect, test } from 'vitest';
import { readMessages } from '../../../src/engines/embedded/read-messages.ts';
import { readTools } from '../../../src/engines/embedded/read-tools.ts';
import { tellTools } from '../../../src/engines/embedded/tool-words.ts';

const toWords = (texts: readonly string[], tellsSystem = true) => ({
  reads: (name: string) => name === 'tools' && texts.length > 0,
  says: (text: string) => texts.includes(text),
  tellsSystem,
});
const { offered } = readTools({ tools: [{ type: 'function', function: { name: 'add', parameters: { type: 'object' } } }] });
const toCall = (given: string) => ({ id: 'c1', type: 'function', function: { name: 'add', arguments: given } });
const CONVERSATION = readMessages({
  messages: [
    { role: 'user', content: '1 + 1, and 2 + 2?' },
    { role: 'assistant', content: 'So:', tool_calls: [toCall('{"a": 1}'), toCall('broken')] },
    { role: 'tool', tool_call_id: 'c1', content: '2' },
    { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: '4' }] },
  ],
});

test('a template that knows tools gets them and the turns as they are, arguments as objects', () => {
  const told = tellTools(CONVERSATION, offered, toWords(['<tool_call>']));
  expect(told.tools).toEqual([{ type: 'function', function: { name: 'add', parameters: { type: 'object' } } }]);
  expect(told.messages[1]).toEqual({
    role: 'assistant',
    content: 'So:',
    tool_calls: [
      { id: 'c1', type: 'function', function: { name: 'add', arguments: { a: 1 } } },
      { id: 'c1', type: 'function', function: { name: 'add', arguments: 'broken' } },
    ],
  });
  expect(told.messages[3]).toEqual({ role: 'tool', tool_call_id: 'c2', content: '4' });
});

test.each([[[]], [['<tool_call>', '<function=']], [['<tool_call>', '<arg_key>']]])(
  'a template that says %j is told tools in plain words',
  (texts) => {
    const { messages, tools } = tellTools(CONVERSATION, offered, toWords(texts));
    expect([tools, messages.map(({ role }) => role)]).toEqual([undefined, ['system', 'user', 'assistant', 'user']]);
    expect(messages[0]?.content).toContain('{"type":"function","function":{"name":"add","parameters":{"type":"object"}}}');
    expect(messages[2]).toEqual({
      role: 'assistant',
      content:
        'So:\n<tool_call>\n{"name": "add", "arguments": {"a":1}}\n</tool_call>\n<tool_call>\n{"name": "add", "arguments": broken}\n</tool_call>',
    });
    expect(messages[3]?.content).toBe('<tool_response>\n2\n</tool_response>\n<tool_response>\n4\n</tool_response>');
  },
);

test('the words on tools follow those of the system, and go to the user where the system may not speak', () => {
  const system = { role: 'system', content: 'Be kind.' };
  const [both] = tellTools([system, ...CONVERSATION], offered, toWords([])).messages;
  expect(both).toMatchObject({ role: 'system', content: expect.stringMatching(/^Be kind\.\n\n# Tools/) });
  const [first, second] = tellTools(CONVERSATION, offered, toWords([], false)).messages;
  expect(first).toMatchObject({ role: 'user', content: expect.stringMatching(/^# Tools.*\n\n1 \+ 1, and 2 \+ 2\?$/s) });
  expect(second?.role).toBe('assistant');
});

test('without tools nothing is told of them', () => {
  const messages = [{ role: 'user', content: 'Hi' }];
  expect(tellTools(messages, [], toWords([]))).toEqual({ messages });
});
