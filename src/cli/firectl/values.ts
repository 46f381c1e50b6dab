/** What the values of firectl's flags may be. */
import { InvalidArgumentError } from 'commander';
import { jsonObject, wholeNumberBetween } from '../flags.ts';

/** A whole number of 32 bits. */
export const int32 = wholeNumberBetween(-2_147_483_648, 2_147_483_647);

/** A number. */
export const float32 = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
};

const UNITS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** `48h`, `30m0s`, `1.5s` as milliseconds. */
export const durationMs = (text: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new InvalidArgumentError('Expected a duration like 48h, 30m0s or 90s.');
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit as keyof typeof UNITS], 0); // The pattern holds the unit.
};

/** `48h` as the wire says it: `172800s`. */
export const wireDuration = (text: string): string => `${durationMs(text) / 1000}s`;

/** `2026-01-31` or `2026-01-31 12:00:00`, of this machine's time zone, as the wire says it. */
export const moment = (text: string): string => {
  const [, day, time = '00:00:00'] = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2}))?$/.exec(text) ?? [];
  const at = new Date(`${day}T${time}`);
  if (day === undefined || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('Expected a date like 2026-01-31, or "2026-01-31 12:00:00".');
  return at.toISOString();
};

/** A JSON object, kept as the text that the wire wants. */
export const jsonText = (text: string): string => {
  jsonObject(text);
  return text;
};
