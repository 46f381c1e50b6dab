import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countPositions, formatRanges, hasPosition, parseRanges, toRanges } from '../../src/jobs/ranges.ts';

const positions = fc.array(fc.nat(40), { maxLength: 40 });

test('ranges hold exactly the positions they were made of, sorted, apart and as few as can be', () => {
  fc.assert(
    fc.property(positions, (list) => {
      const ranges = toRanges(list);
      const set = new Set(list);
      expect(Array.from({ length: 45 }, (_, position) => hasPosition(ranges, position))).toEqual(
        Array.from({ length: 45 }, (_, position) => set.has(position)),
      );
      expect(countPositions(ranges)).toBe(set.size);
      for (const [index, [first, end]] of ranges.entries()) {
        expect(first).toBeLessThan(end);
        expect(first).toBeGreaterThan(ranges[index - 1]?.[1] ?? -1);
      }
    }),
  );
});

test("PostgreSQL's text form is written and read", () => {
  expect(formatRanges(toRanges([7, 1, 2, 0, 1]))).toBe('{[0,3),[7,8)}');
  expect(formatRanges([])).toBe('{}');
  fc.assert(
    fc.property(positions, (list) => {
      expect(parseRanges(formatRanges(toRanges(list)))).toEqual(toRanges(list));
    }),
  );
});
