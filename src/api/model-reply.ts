/** A model in the shape of the wire: every field, the unset ones too. */
import { type FoundModel, isPublicAccount } from '../actions/get-model.ts';
import { type ModelDetails, readModelDetails } from '../actions/model-details.ts';
import type { RegisteredModel } from '../actions/model-registry.ts';
import { PRECISIONS, type Precision } from '../contract/job.ts';
import { MODEL_KINDS, MODEL_UNLOADED, type Model } from '../contract/model.ts';
import { makeName } from '../contract/names.ts';
import type { EngineModel, ListedModel } from '../db/queries/list-models.ts';
import type { ModelPull } from '../db/schema.ts';
import type { ModelDefaults } from '../jobs/job.ts';

/** A model that only an engine knows, in the shape of a record. */
export const toEngineModel = (id: string, { contextLength }: RegisteredModel, isPublic: boolean): EngineModel => ({
  id,
  public: isPublic,
  details: { ...(contextLength !== undefined && { contextLength }), baseModelDetails: {} },
});

/** One model, with where it is served. */
export const toFoundReply = ({ accountId, id, record, served }: FoundModel): Model => {
  const engine = served && toEngineModel(id, served, isPublicAccount(accountId));
  const listed = record ?? (engine && { ...engine, ...RECORDLESS, accountId });
  if (listed === undefined) throw new TypeError('a model was found that is neither a record nor served');
  const isServed = served?.served ?? false;
  const ref = {
    name: makeName(accountId, 'deployedModels', id),
    deployment: '',
    state: 'DEPLOYED' as const,
    default: true,
    public: listed.public,
  };
  return { ...toModelReply(listed, served), deployedModelRefs: isServed ? [ref] : [] };
};

/** What a record has and an engine doesn't. */
const RECORDLESS = {
  displayName: '',
  description: '',
  kind: 'HF_BASE_MODEL',
  state: 'READY' as const,
  precisions: [],
  pull: null,
  createdAt: null,
  updatedAt: null,
};

/** One model of a list. */
export const toModelReply = (model: ListedModel, served: RegisteredModel | undefined): Model => {
  const details = readModelDetails(model.details);
  return {
    name: makeName(model.accountId, 'models', model.id),
    displayName: model.displayName,
    description: model.description,
    createTime: model.createdAt?.toISOString() ?? null,
    updateTime: model.updatedAt?.toISOString() ?? null,
    state: model.state,
    status: toStatus(model, served),
    kind: MODEL_KINDS.find((known) => known === model.kind) ?? 'KIND_UNSPECIFIED',
    public: model.public,
    supportsServerless: served?.served ?? false,
    precisions: toPrecisions(model, served),
    baseModelDetails: toBaseModel(details, served),
    deployedModelRefs: [],
    defaultSamplingParams: toSampling(served?.defaults ?? {}),
    ...toSaid(details, served),
    importedFrom: model.pull?.source ?? '',
    ...(model.pull && { pull: toPull(model.pull) }),
    ...NOT_OFFERED,
  };
};

function toStatus({ pull }: ListedModel, served: RegisteredModel | undefined): Model['status'] {
  if (pull?.state === 'FAILED') return { code: pull.failure?.code ?? 'FAILED_PRECONDITION', message: pull.message };
  const trouble = served?.trouble;
  if (trouble) return { code: trouble.code, message: `${trouble.message} [${trouble.reason}]` };
  return { code: 'OK', message: served?.isUnloaded ? MODEL_UNLOADED : '' };
}

const toPull = ({ state, bytes, totalBytes, message, failure }: ModelPull): Model['pull'] => ({
  state,
  bytes: String(bytes),
  totalBytes: String(totalBytes ?? 0),
  message,
  reason: (state === 'FAILED' && failure?.reason) || '',
});

const toSaid = (details: ModelDetails, served: RegisteredModel | undefined) => ({
  githubUrl: details.githubUrl ?? '',
  huggingFaceUrl: details.huggingFaceUrl ?? '',
  peftDetails: toPeft(details),
  teftDetails: details.teftDetails ?? null,
  conversationConfig: toConversation(details),
  contextLength: served?.contextLength ?? details.contextLength ?? 0,
  supportsImageInput: details.supportsImageInput ?? false,
  supportsTools: details.supportsTools ?? false,
  supportsLora: details.supportsLora ?? false,
  defaultDraftModel: details.defaultDraftModel ?? '',
  defaultDraftTokenCount: details.defaultDraftTokenCount ?? 0,
  deprecationDate: toDay(details),
  useHfApplyChatTemplate: details.useHfApplyChatTemplate ?? false,
  trainingContextLength: details.trainingContextLength ?? 0,
  snapshotType: details.snapshotType ?? ('FULL_SNAPSHOT' as const),
});

/** What there is on the original system and not here. */
const NOT_OFFERED = {
  fineTuningJob: '',
  cluster: '',
  calibrated: false,
  tunable: false,
  rlTunable: false,
  supervisedLoraTunable: false,
  supervisedFullParameterTunable: false,
  rlLoraTunable: false,
  rlFullParameterTunable: false,
};

const toBaseModel = ({ baseModelDetails: base }: ModelDetails, served: RegisteredModel | undefined): Model['baseModelDetails'] =>
  base === undefined
    ? null
    : {
        worldSize: base.worldSize ?? 1,
        checkpointFormat: base.checkpointFormat ?? 'CHECKPOINT_FORMAT_UNSPECIFIED',
        huggingfaceFiles: base.huggingfaceFiles ?? [],
        parameterCount: String(base.parameterCount ?? 0),
        moe: base.moe ?? false,
        tunable: base.tunable ?? false,
        modelType: base.modelType ?? '',
        supportsFireattention: base.supportsFireattention ?? false,
        supportsMtp: base.supportsMtp ?? false,
        defaultPrecision: served?.precision ?? 'PRECISION_UNSPECIFIED',
      };

const toPeft = ({ peftDetails: peft }: ModelDetails): Model['peftDetails'] =>
  peft === undefined
    ? null
    : {
        baseModel: peft.baseModel,
        r: peft.r,
        targetModules: peft.targetModules,
        baseModelType: '',
        mergeAddonModelName: peft.mergeAddonModelName ?? '',
      };

const toConversation = ({ conversationConfig: chat }: ModelDetails): Model['conversationConfig'] =>
  chat === undefined ? null : { style: chat.style, system: chat.system ?? '', template: chat.template ?? '' };

const toDay = ({ deprecationDate: on }: ModelDetails): Model['deprecationDate'] =>
  on === undefined ? null : { year: on.year ?? 0, month: on.month ?? 0, day: on.day ?? 0 };

/** By the names that requests have for them; only what is a number. */
const toSampling = ({ extraBody, maxTokens, temperature, topP, topK, n }: ModelDefaults): Record<string, number> => {
  const all = { ...extraBody, max_tokens: maxTokens, temperature, top_p: topP, top_k: topK, n };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
};

const toPrecisions = ({ precisions }: ListedModel, served: RegisteredModel | undefined): Precision[] => {
  const own = served === undefined || served.precision === 'PRECISION_UNSPECIFIED' ? [] : [served.precision];
  const more = served?.precisions ?? [];
  return [...new Set([...own, ...more, ...PRECISIONS.filter((known) => precisions.includes(known))])];
};
