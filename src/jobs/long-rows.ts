import { BYTES_PER_TOKEN, type RowIndex, textLength } from './row-index.ts';

/** How many of these rows are, by the length of their lines without images, longer than their model's context; by number of the model, whose tokens may be unknown. */
export function countLongRows(
  index: RowIndex,
  order: Uint32Array,
  contextTokens: readonly (number | undefined)[],
): readonly number[] {
  const most = contextTokens.map((tokens = Number.POSITIVE_INFINITY) => tokens * BYTES_PER_TOKEN);
  const counts = most.map(() => 0);
  if (most.every((bytes) => bytes === Number.POSITIVE_INFINITY)) return counts;
  for (const row of order) {
    const number = index.model[row] ?? 0;
    if (textLength(index, row) > (most[number] ?? Number.POSITIVE_INFINITY)) counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}
