import { BYTES_PER_TOKEN, type RowIndex } from './row-index.ts';

/** How many of these rows are, by the length of their lines, longer than their model's context; by number of the model, whose tokens may be unknown. */
export function countLongRows(
  { length, model }: RowIndex,
  order: Uint32Array,
  contextTokens: readonly (number | undefined)[],
): readonly number[] {
  const most = contextTokens.map((tokens = Number.POSITIVE_INFINITY) => tokens * BYTES_PER_TOKEN);
  const counts = most.map(() => 0);
  if (most.every((bytes) => bytes === Number.POSITIVE_INFINITY)) return counts;
  for (const row of order) {
    const number = model[row] ?? 0;
    if ((length[row] ?? 0) > (most[number] ?? Number.POSITIVE_INFINITY)) counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}
