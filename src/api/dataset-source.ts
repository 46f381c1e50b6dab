import { Problem } from '../base/problem.ts';
import type { CreateDatasetRequest } from '../contract/dataset.ts';

/** A dataset to copy, and which of its rows. */
export interface DatasetSource {
  readonly sourceDatasetId: string;
  /** As it was sent; empty for all rows. */
  readonly filter: string;
}

/** The dataset to copy, if one is named. What would make one out of something else is refused by name, not ignored. */
export const sourceOf = ({ sourceDatasetId, filter, dataset = {} }: CreateDatasetRequest): DatasetSource | undefined => {
  const { externalUrl, evaluationResult, transformed, splitted, evalProtocol } = dataset;
  const source = sourceDatasetId || transformed?.sourceDatasetId || '';
  const rows = filter || transformed?.filter || '';
  const asked = Object.entries({ externalUrl, evaluationResult, splitted, evalProtocol, filter: source === '' && rows });
  const [field] = asked.find(([, value]) => Boolean(value)) ?? [];
  if (field === undefined) return source === '' ? undefined : { sourceDatasetId: source, filter: rows };
  throw new Problem('UNIMPLEMENTED', `A dataset can't be made by way of "${field}" here. ${REMEDIES[field] ?? REMEDY}`, {
    reason: 'DATASET_ORIGIN_NOT_OFFERED',
    details: { field },
  });
};

const REMEDY = 'Create it without, then upload its file.';
const REMEDIES: Readonly<Record<string, string>> = {
  filter: 'A filter chooses rows of another dataset: name that as sourceDatasetId.',
  splitted: 'Ask the other dataset for :splitDataset.',
  externalUrl: 'Files are kept on this server: create it without, then upload them.',
};
