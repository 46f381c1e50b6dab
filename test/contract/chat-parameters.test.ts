import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findBadParameter } from '../../src/contract/chat-parameters.ts';

test.each([
  {},
  { temperature: 0, top_p: 1, top_k: 100, n: 128, stop: ['a', 'b', 'c', 'd'], seed: -1 },
  { stop: '\n', logprobs: true, top_logprobs: 5, logit_bias: { 12: -100 }, user: 'x' },
  { logprobs: 5, max_tokens: null, thinking: null, reasoning_effort: 'low' },
  { thinking: { type: 'enabled', budget_tokens: 1024 } },
  { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } } },
  {
    tools: [{ type: 'function', function: { name: 'look_up', parameters: {} } }],
    tool_choice: { type: 'function', function: { name: 'look_up' } },
  },
  { stream: false, dimensions: 256, metadata: { any: [1] } },
])('%j may be set', (parameters) => {
  expect(findBadParameter(parameters)).toBeUndefined();
});

test.each([
  [{ foo: 1 }, 'foo', "Extra inputs are not permitted, field: 'foo', value: 1"],
  [{ messages: [] }, 'messages', "Extra inputs are not permitted, field: 'messages', value: []"],
  [{ extra_body: {} }, 'extra_body', "Extra inputs are not permitted, field: 'extra_body', value: {}"],
  [{ temperature: 2.1 }, 'temperature', '"temperature" can\'t be read: Too big'],
  [{ top_k: 1.5 }, 'top_k', '"top_k" can\'t be read'],
  [{ n: 129 }, 'n', '"n" can\'t be read'],
  [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', 'at most 4'],
  [{ logit_bias: { 5: 101 } }, 'logit_bias.5', 'Too big'],
  [{ stream: true }, 'stream', 'not streamed'],
  [{ thinking: { type: 'enabled', budget_tokens: 10 } }, 'thinking.budget_tokens', 'Too small'],
  [{ thinking: { type: 'disabled' }, reasoning_effort: 'low' }, 'reasoning_effort', "can't both be set"],
  [{ max_tokens: 1, max_completion_tokens: 1 }, 'max_completion_tokens', "can't both be set"],
  [{ top_logprobs: 1 }, 'top_logprobs', 'needs logprobs'],
  [{ tools: [{ type: 'function', function: { name: 'a b' } }] }, 'tools.0.function.name', '1 to 64 letters'],
  [{ response_format: { type: 'json_object', strict: true } }, 'response_format.strict', 'Extra inputs'],
])('%j is refused', (parameters, field, words) => {
  expect(findBadParameter(parameters)).toEqual({ field, message: expect.stringContaining(words) });
});

test('whatever the parameters are, the answer is a fault or none', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (parameters) => findBadParameter(parameters) !== null));
});
