/** Where days begin in a time zone. */
import { Problem } from '../base/problem.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The begin of the day that `from` is in, of every day after it, and of the first that begins at `to` or later. */
export const toDayBorders = ({ from, to, timezone }: { from: Date; to: Date; timezone: string }): readonly Date[] => {
  const offsetAt = readOffsets(timezone);
  const first = Math.floor((from.getTime() + offsetAt(from.getTime())) / DAY_MS);
  const borders: Date[] = [];
  for (let day = first; ; day += 1) {
    const border = toInstant(day * DAY_MS, offsetAt);
    borders.push(new Date(border));
    if (border >= to.getTime()) return borders;
  }
};

type OffsetAt = (instantMs: number) => number;

/** The instant at which clocks of the zone show this time; where they are put forward past it, the first after. */
const toInstant = (localMs: number, offsetAt: OffsetAt): number => {
  const guess = localMs - offsetAt(localMs);
  return localMs - offsetAt(guess);
};

/** What clocks of the zone are ahead of UTC. */
const readOffsets = (timezone: string): OffsetAt => {
  const format = makeFormat(timezone);
  return (instantMs) => {
    const parts = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
    return shown - Math.floor(instantMs / MINUTE_MS) * MINUTE_MS;
  };
};

const makeFormat = (timeZone: string): Intl.DateTimeFormat => {
  const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...numbers });
  } catch (cause) {
    throw new Problem('INVALID_ARGUMENT', `timezone must be a name such as "Europe/London", got "${timeZone.slice(0, 100)}".`, {
      reason: 'INVALID_TIMEZONE',
      details: { field: 'timezone' },
      cause,
    });
  }
};
