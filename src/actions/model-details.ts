import type { ModelInput } from '../contract/model.ts';

/** What a record keeps of a model beside its own columns, in the wire's words: only what was said. */
export type ModelDetails = Pick<
  ModelInput,
  | 'githubUrl'
  | 'huggingFaceUrl'
  | 'conversationConfig'
  | 'contextLength'
  | 'supportsImageInput'
  | 'supportsTools'
  | 'supportsLora'
  | 'defaultDraftModel'
  | 'defaultDraftTokenCount'
  | 'deprecationDate'
  | 'useHfApplyChatTemplate'
  | 'trainingContextLength'
  | 'snapshotType'
  | 'baseModelDetails'
  | 'peftDetails'
  | 'teftDetails'
>;

const KEPT: Record<keyof ModelDetails, true> = {
  githubUrl: true,
  huggingFaceUrl: true,
  conversationConfig: true,
  contextLength: true,
  supportsImageInput: true,
  supportsTools: true,
  supportsLora: true,
  defaultDraftModel: true,
  defaultDraftTokenCount: true,
  deprecationDate: true,
  useHfApplyChatTemplate: true,
  trainingContextLength: true,
  snapshotType: true,
  baseModelDetails: true,
  peftDetails: true,
  teftDetails: true,
};

/** Takes it out of what was sent; what the server sets is ignored. */
export const toModelDetails = (model: ModelInput): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(model).filter(([field, value]) => Object.hasOwn(KEPT, field) && value !== undefined));

/** Reads it back from a record: only `toModelDetails` writes it. */
export const readModelDetails = (details: Readonly<Record<string, unknown>>): ModelDetails => details as ModelDetails;
