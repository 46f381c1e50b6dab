import { Problem } from '../base/problem.ts';
import type { CreateDatasetRequest } from '../contract/dataset.ts';

/** The dataset to copy, if one is named. What would make one out of something else is refused by name, not ignored. */
export const sourceOf = ({ sourceDatasetId, filter, dataset = {} }: CreateDatasetRequest): string | undefined => {
  const { externalUrl, evaluationResult, transformed, splitted, evalProtocol } = dataset;
  const asked = Object.entries({ externalUrl, evaluationResult, splitted, evalProtocol, filter: filter || transformed?.filter });
  const [field] = asked.find(([, value]) => Boolean(value)) ?? [];
  if (field === undefined) return sourceDatasetId || transformed?.sourceDatasetId || undefined;
  throw new Problem('UNIMPLEMENTED', `A dataset can't be made by way of "${field}" here. ${REMEDIES[field] ?? REMEDY}`, {
    reason: 'DATASET_ORIGIN_NOT_OFFERED',
    details: { field },
  });
};

const REMEDY = 'Create it without, then upload its file.';
const REMEDIES: Readonly<Record<string, string>> = {
  filter: 'Leave the filter out to copy all rows, or filter the file and upload that.',
  splitted: 'Ask the other dataset for :splitDataset.',
  externalUrl: 'Files are kept on this server: create it without, then upload them.',
};
