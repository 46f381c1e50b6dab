import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toDayBorders } from '../../src/actions/day-borders.ts';

const borders = (from: string, to: string, timezone: string) =>
  toDayBorders({ from: new Date(from), to: new Date(to), timezone }).map((border) => border.toISOString());

test.each([
  ['UTC', '2026-01-05T10:00:00Z', '2026-01-06T00:00:00Z', ['2026-01-05T00:00:00.000Z', '2026-01-06T00:00:00.000Z']],
  [
    'Asia/Kolkata',
    '2026-01-05T18:29:59Z',
    '2026-01-05T18:30:01Z',
    ['2026-01-04T18:30:00.000Z', '2026-01-05T18:30:00.000Z', '2026-01-06T18:30:00.000Z'],
  ],
  [
    'America/Los_Angeles',
    '2026-03-08T12:00:00Z',
    '2026-03-09T00:00:00Z',
    ['2026-03-08T08:00:00.000Z', '2026-03-09T07:00:00.000Z'],
  ],
  [
    'America/Los_Angeles',
    '2026-11-01T12:00:00Z',
    '2026-11-01T13:00:00Z',
    ['2026-11-01T07:00:00.000Z', '2026-11-02T08:00:00.000Z'],
  ],
])('days of %s from %s to %s', (timezone, from, to, expected) => {
  expect(borders(from, to, timezone)).toEqual(expected);
});

test('days follow each other, hold 23 to 25 hours, and cover the span, in every zone', () => {
  const instants = fc.integer({ min: Date.parse('1990-01-01'), max: Date.parse('2040-01-01') });
  // Zones that skipped a whole day in those years have one of no hours.
  const zones = Intl.supportedValuesOf('timeZone').filter(
    (zone) => !/Apia|Fakaofo|Kwajalein|Kiritimati|Enderbury|Kanton/.test(zone),
  );
  const check = (from: number, minutes: number, timezone: string) => {
    const to = from + minutes * 60_000;
    const days = toDayBorders({ from: new Date(from), to: new Date(to), timezone }).map((day) => day.getTime());
    expect(days[0]).toBeLessThanOrEqual(from);
    expect(days.at(-1)).toBeGreaterThanOrEqual(to);
    for (const [index, day] of days.slice(1).entries()) {
      const hours = (day - (days[index] ?? 0)) / 3_600_000;
      expect(hours).toBeGreaterThanOrEqual(22.5);
      expect(hours).toBeLessThanOrEqual(25.5);
    }
  };
  fc.assert(fc.property(instants, fc.integer({ min: 1, max: 31 * 1440 }), fc.constantFrom(...zones), check), { numRuns: 200 });
});

test('a zone that there is not is refused', () => {
  expect(() => borders('2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z', 'Mars/Olympus')).toThrow('timezone must be a name');
});
