import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Thought, toAnswerGrammar } from '../../../src/engines/embedded/answer-grammar.ts';
import { readTools } from '../../../src/engines/embedded/read-tools.ts';

let llama: Llama;

beforeAll(async () => {
  llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.disabled });
});

afterAll(() => llama.dispose());

const parameters = { type: 'object', properties: { n: { enum: [1, 2] } }, required: ['n'] };
const toTools = (...names: string[]) => names.map((name) => ({ type: 'function', function: { name, parameters, strict: true } }));
const callOf = (name: string, given = '{"n":1}'): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${given}}\n</tool_call>`;
const YES = 'root ::= answer\nanswer ::= "yes" # and "no"';

/** llama.cpp's own word on whether a whole answer keeps to the grammar. */
async function accepts(grammar: string | undefined, text: string): Promise<boolean> {
  const parsed = await llama.createGrammar({ grammar: grammar ?? '' });
  const testText: unknown = Reflect.get(parsed, '_testText');
  if (typeof testText !== 'function') throw new Error('The library tests no texts any more.');
  return testText.call(parsed, text);
}

test.each<readonly [string, object, string | undefined, Thought, readonly string[], readonly string[]]>([
  [
    'a demanded call',
    { tools: toTools('a', 'b'), tool_choice: 'required' },
    undefined,
    'none',
    [callOf('a'), callOf('b', '{"n":2}'), `${callOf('a')}\n${callOf('b')}`],
    ['', 'yes', callOf('c'), callOf('a', '{"n":3}'), `${callOf('a')} so`, `<think>Hm</think>${callOf('a')}`],
  ],
  [
    'one call alone',
    { tools: toTools('a', 'b'), tool_choice: 'required', parallel_tool_calls: false },
    undefined,
    'none',
    [callOf('a')],
    [`${callOf('a')}\n${callOf('b')}`],
  ],
  [
    'a named call after a thought that may come',
    { tools: toTools('a', 'b'), tool_choice: { type: 'function', function: { name: 'b' } } },
    undefined,
    'maybe',
    [callOf('b'), `<think>\nIs a < b? </thin No.</think>\n\n${callOf('b')}`],
    [callOf('a'), `Hm</think>${callOf('b')}`, '<think>Hm</think>', `<think>Hm</think>so ${callOf('b')}`],
  ],
  [
    'a form after a thought that the prompt began',
    {},
    YES,
    'begun',
    ['Hm</think>yes', '\n<<</think>\n\nyes', '</think>yes'],
    ['yes', 'Hm</think>no', '<think>Hm'],
  ],
  ['a form alone', {}, YES, 'none', ['yes'], ['no', 'yes # and "no"']],
  [
    'a form or calls',
    { tools: toTools('a') },
    YES,
    'none',
    ['yes', callOf('a'), `${callOf('a')}\n${callOf('a')}`],
    ['no', callOf('b'), `yes${callOf('a')}`],
  ],
  [
    'text and calls of strict tools',
    { tools: toTools('a') },
    undefined,
    'none',
    ['', 'I <tool> you <tool_call', callOf('a'), `So:\n${callOf('a')}\n${callOf('a')}\nDone.`],
    [callOf('b'), callOf('a', '{"n":3}'), 'So <tool_call> it is', `<${callOf('a')} <<tool_call>`],
  ],
])('%s', async (_, body, format, thought, good, bad) => {
  const grammar = toAnswerGrammar({ tools: readTools({ ...body }), format, thought });
  for (const text of good) expect([text, await accepts(grammar, text)]).toEqual([text, true]);
  for (const text of bad) expect([text, await accepts(grammar, text)]).toEqual([text, false]);
});

test('where any text will do there is no grammar', () => {
  const tools = readTools({ tools: [{ type: 'function', function: { name: 'a' } }] });
  expect(toAnswerGrammar({ tools, format: undefined, thought: 'maybe' })).toBe(undefined);
});
