/**
 * Sets of row positions as sorted, disjoint, half-open ranges: what PostgreSQL calls an int4multirange.
 * A shard's `done` is mostly one long range with a few holes, so this stays small where a bitmap or a list would not.
 */
type Range = readonly [first: number, end: number];
export type Ranges = readonly Range[];

/** The ranges that hold exactly these positions, which may come in any order. */
export function toRanges(positions: Iterable<number>): Ranges {
  const ranges: [number, number][] = [];
  for (const position of [...positions].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last === undefined || position > last[1]) ranges.push([position, position + 1]);
    else last[1] = Math.max(last[1], position + 1);
  }
  return ranges;
}

/** True when the position is in the set. */
export function hasPosition(ranges: Ranges, position: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.[1] ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return (ranges[low]?.[0] ?? Number.POSITIVE_INFINITY) <= position;
}

/** How many positions the set has. */
export const countPositions = (ranges: Ranges): number => ranges.reduce((sum, [first, end]) => sum + end - first, 0);

/** PostgreSQL's text form: `{[0,3),[7,8)}`. */
export const formatRanges = (ranges: Ranges): string => `{${ranges.map(([first, end]) => `[${first},${end})`).join(',')}}`;

/** Reads PostgreSQL's canonical text form back. */
export const parseRanges = (text: string): Ranges =>
  Array.from(text.matchAll(/\[(\d+),(\d+)\)/g), ([, first, end]) => [Number(first), Number(end)] as const);
