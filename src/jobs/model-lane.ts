/** The line in which the shards of a model wait: its name, and the precision where that is not the model's default. */

const MARK = '#';

/** What shards of the model are leased by. */
export const toLane = (model: string, precision: string | undefined): string =>
  precision === undefined ? model : `${model}${MARK}${precision}`;

/** Back again. No name of a model holds the mark. */
export function readLane(lane: string): { readonly model: string; readonly precision: string | undefined } {
  const [model = '', precision] = lane.split(MARK);
  return { model, precision };
}
