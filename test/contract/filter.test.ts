import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Filter, parseFilter } from '../../src/contract/filter.ts';

/** As a text in which every join is in parentheses. */
const inFull = (filter: Filter): string => {
  if (filter.kind === 'comparison') return `${filter.field.text}${filter.operator}${JSON.stringify(filter.value.text)}`;
  if (filter.kind === 'not') return `!${inFull(filter.term)}`;
  return `(${filter.terms.map(inFull).join(filter.kind === 'all' ? '&' : '|')})`;
};
const read = (text: string): string => {
  const parsed = parseFilter(text);
  return parsed.ok ? inFull(parsed.filter) : `${parsed.at}: ${parsed.expected}`;
};

test.each([
  ['', '()'],
  ['a=1', 'a="1"'],
  [' a  =  "b c" ', 'a="b c"'],
  [`a='b "c"'`, 'a="b \\"c\\""'],
  ['a="b \\"c\\""', 'a="b \\"c\\""'],
  ['a = "x" AND b < 2', '(a="x"&b<"2")'],
  ['a=1 b=2', '(a="1"&b="2")'],
  ['a=1 AND b=2 OR c=3', '(a="1"&(b="2"|c="3"))'],
  ['(a=1 AND b=2) OR c=3', '((a="1"&b="2")|c="3")'],
  ['NOT a=1', '!a="1"'],
  ['-a=-1', '!a="-1"'],
  ['NOT (a:x OR b>=3)', '!(a:"x"|b>="3")'],
  ['create_time > 2026-01-05T02:00:00.5+01:00', 'create_time>"2026-01-05T02:00:00.5+01:00"'],
  ['name = accounts/acme/datasets/in-01', 'name="accounts/acme/datasets/in-01"'],
  ['lifecycle.endTime:*', 'lifecycle.endTime:"*"'],
  ['ORDER=1 AND ANDY=2', '(ORDER="1"&ANDY="2")'],
  ['a=NOT', 'a="NOT"'],
])('%s is read', (text, full) => {
  expect(read(text)).toBe(full);
});

test.each([
  ['a', '2: one of = != < <= > >= :'],
  ['a=', '3: a value'],
  ['=1', '1: a field'],
  ['a=1 AND', '8: a field'],
  ['a=1 OR OR b=2', '11: one of = != < <= > >= :'],
  ['(a=1', '5: ")"'],
  ['a=1)', '4: AND, OR or the end'],
  ['a="b', '5: the " that ends the text'],
  ['a=1,b=2', '4: a field'],
  ['f(a)', '2: one of = != < <= > >= :'],
])('%s is refused at its place', (text, fault) => {
  expect(read(text)).toBe(fault);
});

test('what is too long or too deep is refused, not run out of stack with', () => {
  expect(read('('.repeat(1000))).toMatch(/at most 32 parentheses/);
  expect(read(`a="${'x'.repeat(5000)}"`)).toMatch(/at most 4000 characters/);
});

const word = fc.stringMatching(/^[a-z][a-zA-Z_]{0,8}$/).filter((text) => !/^(AND|OR|NOT)/.test(text));
const { filter: anyFilter } = fc.letrec<{ filter: string; comparison: string }>((tie) => ({
  comparison: fc
    .tuple(word, fc.constantFrom('=', '!=', '<', '<=', '>', '>=', ':'), fc.string({ unit: 'grapheme' }))
    .map(([field, operator, value]) => `${field} ${operator} ${JSON.stringify(value)}`),
  filter: fc.oneof(
    { maxDepth: 4 },
    tie('comparison'),
    fc.tuple(tie('filter'), tie('filter'), fc.constantFrom(' AND ', ' OR ', ' ')).map(([a, b, by]) => `(${a})${by}(${b})`),
    tie('filter').map((inner) => `NOT (${inner})`),
  ),
}));

test('every well-formed filter is read', () => {
  fc.assert(fc.property(anyFilter, (text) => text.length > 4000 || parseFilter(text).ok));
});

test('no text at all breaks the reader', () => {
  const pieces = fc.array(
    fc.constantFrom('a', '=', '"', "'", '\\', '(', ')', 'AND', 'OR', 'NOT', ' ', '-', ':', '.', '\u0000', '😀'),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        pieces.map((list) => list.join('')),
      ),
      (text) => {
        const parsed = parseFilter(text);
        if (!parsed.ok) expect(parsed.at).toBeGreaterThan(0);
      },
    ),
  );
});
