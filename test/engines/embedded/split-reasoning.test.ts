import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endsThinking, ReasoningSplitter } from '../../../src/engines/embedded/split-reasoning.ts';

/** A whole text at once. */
function splitReasoning(text: string, begun: boolean): object {
  const splitter = new ReasoningSplitter(begun);
  const [most, rest] = [splitter.push(text), splitter.end()];
  return { reasoning: most.reasoning + rest.reasoning, content: most.content + rest.content };
}

test.each([
  ['plain text', false, '', 'plain text'],
  ['<think>\nHm.\n</think>\n\nYes.', false, '\nHm.\n', 'Yes.'],
  ['\n<think>Hm</think>Yes', false, 'Hm', 'Yes'],
  ['Hm</think>\nYes', true, 'Hm', 'Yes'],
  ['<think>cut off by the limi', false, 'cut off by the limi', ''],
  ['<think>cut in its mark</thi', false, 'cut in its mark</thi', ''],
  ['<thinking> is no mark', false, '', '<thinking> is no mark'],
  ['<thi', false, '', '<thi'],
  ['  ', false, '', '  '],
  ['answer with <think>later</think>', false, '', 'answer with <think>later</think>'],
  ['<think></think>', false, '', ''],
])('%j', (text, begun, reasoning, content) => {
  expect(splitReasoning(text, begun)).toEqual({ reasoning, content });
});

test('in whatever pieces a text comes, it is split in the same way', () => {
  const part = fc.constantFrom('<think>', '</think>', '<thi', 'nk>', '</', 'think>', '\n', 'Hm', ' yes');
  fc.assert(
    fc.property(fc.array(part), fc.boolean(), (parts, begun) => {
      const splitter = new ReasoningSplitter(begun);
      const pieces = [...parts.map((piece) => splitter.push(piece)), splitter.end()];
      const joined = {
        reasoning: pieces.map(({ reasoning }) => reasoning).join(''),
        content: pieces.map(({ content }) => content).join(''),
      };
      expect(joined).toEqual(splitReasoning(parts.join(''), begun));
    }),
  );
});

test('a prompt that ends with the opening mark begins the thinking', () => {
  expect(endsThinking('<|im_start|>assistant\n<think>\n')).toBe(true);
  expect(endsThinking('<|im_start|>assistant\n')).toBe(false);
});
