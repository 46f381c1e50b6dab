import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEntry, type PartEntry } from '../../src/jobs/part-entries.ts';
import { decodeEntries } from '../../src/jobs/read-entries.ts';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const entry: fc.Arbitrary<PartEntry> = fc.record({
  position: uint32,
  row: uint32,
  shard: uint32,
  epoch: uint32,
  kind: fc.constantFrom('success' as const, 'failure' as const),
  inputTokens: uint32,
  outputTokens: uint32,
  cachedTokens: uint32,
  line: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
});
const entries = fc.array(entry, { maxLength: 6 });
const encode = (list: readonly PartEntry[]) => Buffer.concat(list.map(encodeEntry));

test('what was encoded comes back', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const bytes = encode(list);
      expect(decodeEntries(bytes)).toEqual({ entries: list, validBytes: bytes.length });
    }),
  );
});

test('wherever the bytes are cut, the whole entries before the cut come back', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), fc.nat(), (list, place) => {
      const bytes = encode(list);
      const cut = place % bytes.length;
      const ends = list.map((_, index) => encode(list.slice(0, index + 1)).length);
      const whole = ends.filter((end) => end <= cut).length;
      expect(decodeEntries(bytes.subarray(0, cut))).toEqual({ entries: list.slice(0, whole), validBytes: ends[whole - 1] ?? 0 });
    }),
  );
});

test('whichever bit is flipped, reading stops at its entry', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), fc.nat(), (list, place) => {
      const bytes = encode(list);
      const bit = place % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const ends = list.map((_, index) => encode(list.slice(0, index + 1)).length);
      const before = ends.filter((end) => end <= bit >> 3).length;
      expect(decodeEntries(bytes)).toEqual({ entries: list.slice(0, before), validBytes: ends[before - 1] ?? 0 });
    }),
  );
});

test('a hole of zeros is no entry', () => {
  expect(decodeEntries(Buffer.alloc(500))).toEqual({ entries: [], validBytes: 0 });
});
