/** Tokens and ids, whatever is thrown at them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePageToken, readPageToken } from '../../src/contract/list.ts';
import { isId, makeName, parseName } from '../../src/contract/names.ts';

const bound = fc.array(fc.option(fc.string(), { nil: undefined }), { maxLength: 4 });

test('every token is read back for its own list, and no text is mistaken for one', () => {
  fc.assert(
    fc.property(fc.nat(), bound, fc.string({ unit: 'binary' }), (offset, boundTo, noise) => {
      const token = makePageToken(offset, boundTo);
      expect(readPageToken(token, boundTo)).toBe(offset);
      expect(readPageToken(token, [...boundTo, 'other'])).toBeUndefined();
      const read = readPageToken(noise, boundTo);
      if (read !== undefined) expect(makePageToken(read, boundTo)).toBe(noise.replace(/[\s=]/g, ''));
    }),
  );
});

/** The rule in the words of the documentation. */
const followsTheRule = (text: string): boolean =>
  text.length >= 1 &&
  text.length <= 63 &&
  [...text].every((letter) => 'abcdefghijklmnopqrstuvwxyz0123456789-'.includes(letter)) &&
  !text.startsWith('-') &&
  !text.endsWith('-') &&
  !/^[0-9]/.test(text);

test('an id is what the rule says, and a name that is made of it is read back', () => {
  const almost = fc.string({ unit: fc.constantFrom('a', 'z', '0', '-', 'A', '_', '/', '\n', 'é'), maxLength: 70 });
  fc.assert(
    fc.property(fc.oneof(almost, fc.string()), (text) => {
      expect(isId(text)).toBe(followsTheRule(text));
      if (isId(text)) expect(parseName(makeName('acme', 'datasets', text), 'datasets')).toEqual({ account: 'acme', id: text });
    }),
  );
});
