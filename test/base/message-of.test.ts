import { expect, test } from 'vitest';
import { messageOf } from '../../src/base/message-of.ts';

test('whatever is thrown has words', () => {
  expect(messageOf(new TypeError('no such place'))).toBe('no such place');
  expect(messageOf('gone')).toBe('gone');
  expect(messageOf(undefined)).toBe('undefined');
});
