import { type IndexedRow, LADDER_STEPS, type RowIndex, RowIndexBuilder } from '../../src/jobs/row-index.ts';

/** An index of rows of which only what matters is said. */
export function makeIndex(
  rows: readonly (Partial<Omit<IndexedRow, 'ladder'>> & { readonly steps?: readonly number[] })[],
): RowIndex {
  const builder = new RowIndexBuilder();
  for (const { steps = [], ...row } of rows) {
    const ladder = new Uint32Array(LADDER_STEPS);
    ladder.set(steps);
    builder.add({ offset: 0, length: 100, maxTokens: 0, model: 0, promptBytes: 0, mediaBytes: 0, ...row, ladder });
  }
  return builder.finish();
}
