/** Models on the wire. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { PRECISIONS } from './job.ts';
import { Flag, Int32, Int64, readOnly, Timestamp } from './json.ts';
import { ID_RULE } from './names.ts';

/** What the `status` of a model says while its engine has let go of it; its `code` is OK. */
export const MODEL_UNLOADED = 'Not in memory now: the next request loads it.';

/** What a model can be. */
export const MODEL_KINDS = [
  'KIND_UNSPECIFIED',
  'HF_BASE_MODEL',
  'HF_PEFT_ADDON',
  'HF_TEFT_ADDON',
  'FLUMINA_BASE_MODEL',
  'FLUMINA_ADDON',
  'DRAFT_ADDON',
  'FIRE_AGENT',
  'LIVE_MERGE',
  'CUSTOM_MODEL',
  'EMBEDDING_MODEL',
  'SNAPSHOT_MODEL',
] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

const CHECKPOINT_FORMATS = ['CHECKPOINT_FORMAT_UNSPECIFIED', 'NATIVE', 'HUGGINGFACE', 'UNINITIALIZED'] as const;
const SNAPSHOT_TYPES = ['FULL_SNAPSHOT', 'INCREMENTAL_SNAPSHOT'] as const;

/** What is said of a base model. */
const BaseModelDetails = z
  .strictObject({
    worldSize: Int32.pipe(z.number().min(1)).optional().describe('GPUs that it is served with; 1 when absent'),
    checkpointFormat: z.enum(CHECKPOINT_FORMATS).optional().describe('How its files are written'),
    huggingfaceFiles: z.array(z.string()).optional().describe('Its files; with the format `HUGGINGFACE` and only then'),
    parameterCount: Int64.pipe(z.number().min(0)).optional().describe('How many parameters it has'),
    moe: z.boolean().optional().describe('True for a mixture of experts'),
    tunable: z.boolean().optional().describe('Deprecated'),
    modelType: z.string().optional().describe('Its architecture'),
    supportsFireattention: z.boolean().optional().describe('Kept as sent'),
    supportsMtp: z.boolean().optional().describe('Kept as sent'),
    ...readOnly('defaultPrecision'),
  })
  .meta({ id: 'BaseModelDetails', description: 'Of a base model, and only of one' });

/** What is said of an addon to a base model. */
export const PeftDetails = z
  .strictObject({
    baseModel: z.string().min(1).describe('Full name of the model that it adds to'),
    r: Int32.pipe(z.number().min(4).max(64)).describe('Rank, 4 to 64'),
    targetModules: z.array(z.string()).min(1).describe('Names of the modules that it changes'),
    mergeAddonModelName: z.string().optional().describe('Kept as sent'),
    ...readOnly('baseModelType'),
  })
  .meta({ id: 'PeftDetails', description: 'Of an addon, and only of one' });

/** How a chat becomes a prompt. */
const ConversationConfig = z
  .strictObject({
    style: z.string().describe('`jinja`, or the name of a template that the engine knows'),
    system: z.string().optional().describe('System prompt, where the style has one'),
    template: z.string().optional().describe('The template, with the style `jinja`'),
  })
  .meta({ id: 'ConversationConfig', description: 'How a chat becomes a prompt' });

const CalendarDay = z
  .strictObject({
    year: Int32.optional().describe('Such as 2026'),
    month: Int32.optional().describe('1 to 12'),
    day: Int32.optional().describe('Of the month, from 1'),
  })
  .meta({ id: 'Date', description: 'A day' });

const text = (description: string) => z.string().max(2048).optional().describe(description);
const flag = (description: string) => z.boolean().optional().describe(description);

/** What an owner may say of a model and change later. */
const settable = {
  displayName: z.string().max(63).optional().describe('Label for people, fewer than 64 characters'),
  description: z.string().max(999).optional().describe('What it is, fewer than 1000 characters'),
  public: flag('True makes it readable from every account'),
  githubUrl: text('Where its source is'),
  huggingFaceUrl: text('Where it is published'),
  conversationConfig: ConversationConfig.optional(),
  contextLength: Int32.pipe(z.number().min(0)).optional().describe('Tokens of prompt and answer together'),
  supportsImageInput: flag('True when prompts may have images'),
  supportsTools: flag('True when it can call tools'),
  supportsLora: flag('True when it takes addons'),
  defaultDraftModel: text('Model that drafts its answers'),
  defaultDraftTokenCount: Int32.pipe(z.number().min(0)).optional().describe('Tokens to draft; required with `defaultDraftModel`'),
  deprecationDate: CalendarDay.optional(),
  useHfApplyChatTemplate: flag('Kept as sent'),
  trainingContextLength: Int32.optional().describe('Kept as sent'),
  snapshotType: z.enum(SNAPSHOT_TYPES).optional().describe('Kept as sent'),
};

/** What is said when it is made. */
const structure = {
  kind: z.enum(MODEL_KINDS).optional().describe('What it is; `HF_PEFT_ADDON` when absent'),
  baseModelDetails: BaseModelDetails.optional(),
  peftDetails: PeftDetails.optional(),
  teftDetails: z.strictObject({}).optional().describe('Of a TEFT addon, and only of one'),
};

const serverSet = {
  ...readOnly('name', 'createTime', 'updateTime', 'state', 'status', 'importedFrom', 'fineTuningJob', 'deployedModelRefs'),
  ...readOnly('cluster', 'calibrated', 'supportsServerless', 'tunable', 'rlTunable', 'defaultSamplingParams', 'precisions'),
  ...readOnly('supervisedLoraTunable', 'supervisedFullParameterTunable', 'rlLoraTunable', 'rlFullParameterTunable'),
};

const ModelBody = z
  .strictObject({ ...settable, ...structure, ...serverSet })
  .meta({ id: 'ModelInput', description: 'A model as it is sent' });
export type ModelInput = z.output<typeof ModelBody>;

/** Body of a create. */
export const CreateModelRequest = z
  .strictObject({
    modelId: z.string().describe(`The new model's id: ${ID_RULE}`),
    model: ModelBody.optional(),
    cluster: z.string().optional().describe('Not offered; must be empty'),
  })
  .meta({ id: 'CreateModelRequest', description: 'A new model' });

/** Body of an update: what is absent stays. */
export const UpdateModelRequest = ModelBody;

const DeployedModelRef = z
  .object({
    name: z.string().describe('`accounts/{account}/deployedModels/{id}`'),
    deployment: z.string().describe('Empty: engines are no resources here'),
    state: z.literal('DEPLOYED'),
    default: z.boolean().describe('Whether its bare name leads here; always true'),
    public: z.boolean().describe('Whether other accounts may ask it; as the model'),
  })
  .meta({ id: 'DeployedModelRef', description: 'Where a model is served' });

/** How the fetching of its files goes. */
const PullProgress = z
  .object({
    state: z
      .enum(['PULLING', 'CHECKING', 'FAILED', 'DONE'])
      .describe('`FAILED` can be asked for again, and goes on where it was'),
    bytes: z.string().meta({ format: 'int64' }).describe('Bytes of the present file that are here'),
    totalBytes: z.string().meta({ format: 'int64' }).describe('Bytes of the present file; 0 while that is not known'),
    message: z.string().describe('Why it failed; else empty'),
    reason: z
      .string()
      .describe('The same for programs, in UPPER_SNAKE and stable: `DISK_FULL`, `MODEL_LOAD_TIMEOUT`; else empty'),
  })
  .meta({ id: 'ModelPull', description: 'Of a model that this server fetches; a field of Boatload, absent for all others' });

/** A model as it is answered. */
export const Model = z
  .object({
    name: z.string().describe('`accounts/{account}/models/{id}`'),
    displayName: z.string().describe('Label for people'),
    description: z.string().describe('What it is'),
    createTime: Timestamp.nullable().describe('When it was made; null for one that only an engine knows'),
    updateTime: Timestamp.nullable().describe('When it last changed; null for one that only an engine knows'),
    state: z.enum(['STATE_UNSPECIFIED', 'UPLOADING', 'READY']).describe('`UPLOADING` until its files are in place, then `READY`'),
    status: Status,
    kind: z.enum(MODEL_KINDS).describe('What it is'),
    githubUrl: z.string().describe('Where its source is'),
    huggingFaceUrl: z.string().describe('Where it is published'),
    baseModelDetails: z
      .object({
        worldSize: z.int32(),
        checkpointFormat: z.enum(CHECKPOINT_FORMATS),
        huggingfaceFiles: z.array(z.string()),
        parameterCount: z.string().meta({ format: 'int64' }),
        moe: z.boolean(),
        tunable: z.boolean(),
        modelType: z.string(),
        supportsFireattention: z.boolean(),
        supportsMtp: z.boolean(),
        defaultPrecision: z.enum(PRECISIONS),
      })
      .nullable()
      .describe('Of a base model; else null'),
    peftDetails: z
      .object({
        baseModel: z.string(),
        r: z.int32(),
        targetModules: z.array(z.string()),
        baseModelType: z.string(),
        mergeAddonModelName: z.string(),
      })
      .nullable()
      .describe('Of an addon; else null'),
    teftDetails: z.object({}).nullable().describe('Of a TEFT addon; else null'),
    public: z.boolean().describe('True when it is readable from every account'),
    conversationConfig: z
      .object({ style: z.string(), system: z.string(), template: z.string() })
      .nullable()
      .describe('How a chat becomes a prompt, when its owner says; else null'),
    contextLength: z.int32().describe('Tokens of prompt and answer together; 0 when unknown'),
    supportsImageInput: z.boolean().describe('True when prompts may have images'),
    supportsTools: z.boolean().describe('True when it can call tools'),
    supportsLora: z.boolean().describe('True when it takes addons'),
    importedFrom: z
      .string()
      .describe('What it was fetched from, as it was asked for but without a query; empty where its owner sent its files'),
    fineTuningJob: z.string().describe('Always empty'),
    defaultDraftModel: z.string().describe('Model that drafts its answers'),
    defaultDraftTokenCount: z.int32().describe('Tokens to draft'),
    deployedModelRefs: z.array(DeployedModelRef).describe('Where it is served; filled when one model is asked for'),
    cluster: z.string().describe('Always empty'),
    deprecationDate: z
      .object({ year: z.int32(), month: z.int32(), day: z.int32() })
      .nullable()
      .describe('When it will be taken down, when its owner says; else null'),
    calibrated: z.boolean().describe('Always false'),
    tunable: z.boolean().describe('Always false, as all of its kind below: nothing is trained here'),
    rlTunable: z.boolean().describe('Always false: nothing is trained here'),
    supervisedLoraTunable: z.boolean().describe('Always false: nothing is trained here'),
    supervisedFullParameterTunable: z.boolean().describe('Always false: nothing is trained here'),
    rlLoraTunable: z.boolean().describe('Always false: nothing is trained here'),
    rlFullParameterTunable: z.boolean().describe('Always false: nothing is trained here'),
    useHfApplyChatTemplate: z.boolean().describe('As its owner says'),
    defaultSamplingParams: z.record(z.string(), z.number()).describe('Settings of its own, below those of jobs and rows'),
    trainingContextLength: z.int32().describe('As its owner says'),
    snapshotType: z.enum(SNAPSHOT_TYPES).describe('As its owner says'),
    supportsServerless: z.boolean().describe('True while an engine serves it, so that jobs can run on it'),
    precisions: z
      .array(z.enum(PRECISIONS))
      .describe('What it can be served in: its own precision first, then those of its other files and those it was prepared for'),
    pull: PullProgress.optional(),
  })
  .meta({ id: 'Model', description: 'What answers prompts' });
export type Model = z.output<typeof Model>;

const FILE_LINKS = 'File name to a URL that needs no key and expires';

/** Body of `:getUploadEndpoint`. */
export const ModelUploadRequest = z
  .strictObject({
    filenameToSize: z.record(z.string(), Int64.pipe(z.number().min(0))).describe('File name to its size in bytes'),
    enableResumableUpload: z.boolean().optional().describe('Accepted; every link takes its file piece by piece, too'),
    readMask: z.string().optional().describe('Comma-separated fields to answer; empty or `*` means all'),
  })
  .meta({ id: 'ModelUploadRequest', description: 'The files that will be uploaded' });

/** Its reply. */
export const ModelUploadLinks = z
  .object({
    filenameToSignedUrls: z.record(z.string(), z.string()).describe(`${FILE_LINKS}; PUT the file there`),
    filenameToUnsignedUris: z.record(z.string(), z.string()).describe('File name to the same place, without the permission'),
  })
  .meta({ id: 'ModelUploadLinks', description: 'Where to upload the files of a model' });

/** Reply of `:getDownloadEndpoint`. */
export const ModelDownloadLinks = z
  .object({ filenameToSignedUrls: z.record(z.string(), z.string()).describe(FILE_LINKS) })
  .meta({ id: 'ModelDownloadLinks', description: 'Where to download the files of a model' });

/** Query of `:validateUpload`. */
export const ValidateModelUploadQuery = z.object({
  skipHfConfigValidation: Flag.optional().describe('True leaves the configuration files unread'),
  trustRemoteCode: Flag.optional().describe('Accepted: no code of a model is ever run here'),
  configOnly: Flag.optional().describe('True checks the configuration and leaves the model UPLOADING'),
});

/** What was found that is not wrong enough to refuse. */
export const ModelWarnings = z
  .object({ warnings: z.array(z.string()).describe('A sentence each; empty when nothing is odd') })
  .meta({ id: 'ModelWarnings', description: 'What is odd' });

/** Body of `:prepare`. */
export const PrepareModelRequest = z
  .strictObject({
    precision: z.enum(PRECISIONS).optional().describe('Precision to prepare for; `FP8` when absent'),
    readMask: z.string().optional().describe('Accepted; the reply is empty'),
  })
  .meta({ id: 'PrepareModelRequest', description: 'A further precision' });

/** Body of `:import`, which is not offered. */
export const ImportModelRequest = z
  .strictObject({
    awsS3Source: z.looseObject({}).optional().describe('A bucket and a path in it'),
    azureBlobSource: z.looseObject({}).optional().describe('A container and a path in it'),
  })
  .meta({ id: 'ImportModelRequest', description: 'Where the model is now' });

/** Body of `models:pull`. */
export const PullModelRequest = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(2048)
      .describe(
        'A name of the catalogue, `hf:owner/repository/file.gguf` (`@revision` behind it, if not `main`), or the URL of a .gguf file',
      ),
    modelId: z
      .string()
      .optional()
      .describe("Id of the new model; made from the file's name when absent. The catalogue's models keep theirs"),
    precisions: z
      .array(z.enum(PRECISIONS))
      .max(8)
      .optional()
      .describe("Which of the catalogue's files; the usual one when absent"),
    sha256: z
      .string()
      .optional()
      .describe('What its one file must be, in lower-case hex; when absent, what the hub says, if it does'),
  })
  .meta({ id: 'PullModelRequest', description: 'A model that this server shall fetch' });

const CatalogueFile = z.object({
  precision: z.enum(PRECISIONS),
  name: z.string().describe('As it is called on the hub'),
  megabytes: z.int().describe('About; the file itself may differ'),
});

/** A model of the catalogue, as it is answered. */
const CatalogueModel = z
  .object({
    id: z
      .string()
      .describe(
        'What it is pulled by, and its id: under `boatload`, also known as `fireworks`, where an admin of the installation pulls it, else under the own account',
      ),
    title: z.string().describe('Its name, for people'),
    licence: z.string().describe('As its publisher says; read it there'),
    parameters: z.string().describe('How many, in words'),
    contextLength: z.int32().describe('Tokens that it was trained for'),
    tools: z.boolean().describe('True when it was trained to call tools'),
    json: z.boolean().describe('True when it was trained to write JSON; by schema, the engine holds every model to it'),
    embeddings: z.boolean().describe('True when it makes vectors of texts, and writes nothing'),
    repository: z.string().describe('Where it is on the hub'),
    files: z.array(CatalogueFile).describe('The first is what is pulled without a precision'),
    state: z.enum(['ABSENT', 'UPLOADING', 'READY']).describe('Whether it is here'),
  })
  .meta({ id: 'CatalogueModel', description: 'A model that can be added by its name' });

/** The catalogue. */
export const ModelCatalogue = z
  .object({ models: z.array(CatalogueModel) })
  .meta({ id: 'ModelCatalogue', description: 'What can be added by its name' });
export type ModelCatalogue = z.output<typeof ModelCatalogue>;

/** Body of `validateModelConfig`. */
export const ValidateModelConfigRequest = z
  .strictObject({
    configJson: z.string().describe('Content of `config.json`'),
    tokenizerConfigJson: z.string().optional().describe('Content of `tokenizer_config.json`'),
  })
  .meta({ id: 'ValidateModelConfigRequest', description: 'Configuration files to check before an upload' });
