import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFilter } from '../../src/contract/filter.ts';
import { makeRowFilter } from '../../src/jobs/row-filter.ts';

const ROW = {
  custom_id: 'night-7',
  body: { temperature: 0.5, stream: false, stop: ['a', 'b'], note: null, messages: [{ role: 'user', content: 'Is it late?' }] },
};

const keeps = (filter: string, row: unknown = ROW): boolean => {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(`expected ${parsed.expected} at ${parsed.at}`);
  return makeRowFilter(parsed.filter)(Buffer.from(typeof row === 'string' ? row : JSON.stringify(row)));
};

test.each([
  ['', true],
  ['custom_id = night-7', true],
  ['custom_id != night-7', false],
  ['custom_id = "night-*"', true],
  ['custom_id = "*7"', true],
  ['custom_id = "n*h*-*7"', true],
  ['custom_id = "n*n*7"', false],
  ['custom_id != "day-*"', true],
  ['custom_id = "night-7*7"', false],
  ['custom_id : ght', true],
  ['custom_id > day', true],
  ['body.temperature = 0.50', true],
  ['body.temperature >= 0.5 AND body.temperature < 1', true],
  ['body.temperature > 0.5', false],
  ['body.temperature = warm', false],
  ['body.temperature != warm', true],
  ['body.stream = false', true],
  ['body.note = null', true],
  ['body.stop : b', true],
  ['body.stop : c', false],
  ['body.messages.0.role = user', true],
  ['body.messages.1.role = user', false],
  ['body.messages.0.content : "it late"', true],
  ['body.missing : *', false],
  ['body.note : *', true],
  ['body.missing != x', true],
  ['body.missing < 1', false],
  ['NOT custom_id = night-7 OR body.stream = false', true],
  ['(custom_id = day OR custom_id = night-7) body.stream = true', false],
  ['__proto__.x = 1 OR constructor : *', false],
])('%s: %j', (filter, expected) => {
  expect(keeps(filter)).toBe(expected);
});

test('a line that is no JSON is never kept', () => {
  for (const line of ['', 'nonsense', '{"a":']) expect([keeps('', line), keeps('NOT a = 1', line)]).toEqual([false, false]);
});

test('a pattern holds exactly when its pieces come one after the other', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  fc.assert(
    fc.property(
      letters,
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }), { minLength: 2, maxLength: 5 }),
      (text, pieces) => {
        expect(keeps(`x = "${pieces.join('*')}"`, { x: text })).toBe(new RegExp(`^${pieces.join('.*')}$`).test(text));
      },
    ),
  );
});
