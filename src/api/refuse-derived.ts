import { Problem } from '../base/problem.ts';
import type { CreateDatasetRequest } from '../contract/dataset.ts';

/** Datasets are uploaded; what would make one out of something else is refused by name, not ignored. */
export const refuseDerived = ({ sourceDatasetId, filter, dataset = {} }: CreateDatasetRequest): void => {
  const { externalUrl, evaluationResult, transformed, splitted, evalProtocol } = dataset;
  const asked = Object.entries({ sourceDatasetId, filter, externalUrl, evaluationResult, transformed, splitted, evalProtocol });
  const [field] = asked.find(([, value]) => Boolean(value)) ?? [];
  if (field === undefined) return;
  throw new Problem(
    'UNIMPLEMENTED',
    `A dataset can't be made by way of "${field}" here: create it without, then upload its file.`,
    {
      reason: 'DATASET_ORIGIN_NOT_OFFERED',
      details: { field },
    },
  );
};
