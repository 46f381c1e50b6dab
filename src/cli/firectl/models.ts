/** `model`: its rows in the table of operations. */
import type { Model } from '../../contract/model.ts';
import { someText } from '../flags.ts';
import { DRY_RUN, OUTPUT, QUIET, waitFlags } from './common-flags.ts';
import { idOf } from './message.ts';
import type { Flag, Noun } from './operation.ts';
import { deleteRow, getRow, idArgument, type Kind, listRow, updateRow } from './standard.ts';
import { durationMs, int32 } from './values.ts';

/** What can change later, too. */
const settable: readonly Flag[] = [
  { flags: '--display-name <name>', about: 'label for people', parse: someText, field: 'displayName' },
  { flags: '--description <text>', about: 'what it is', parse: someText, field: 'description' },
  { flags: '--public', about: 'readable from every account', field: 'public' },
  { flags: '--github-url <url>', about: 'where its source is', parse: someText, field: 'githubUrl' },
  { flags: '--hugging-face-url <url>', about: 'where it is published', parse: someText, field: 'huggingFaceUrl' },
  { flags: '--supports-image-input', about: 'prompts may have images', field: 'supportsImageInput' },
  { flags: '--supports-tools', about: 'it can call tools', field: 'supportsTools' },
  {
    flags: '--default-draft-model <model>',
    about: 'model that drafts its answers',
    parse: someText,
    field: 'defaultDraftModel',
    completes: 'models',
  },
  { flags: '--default-draft-token-count <n>', about: 'tokens to draft', parse: int32, field: 'defaultDraftTokenCount' },
];

const flags: readonly Flag[] = [
  {
    flags: '--base-model <model>',
    about: 'makes it an addon to this model',
    parse: someText,
    field: 'peftDetails.baseModel',
    completes: 'models',
  },
  { flags: '--embedding', about: 'it makes embeddings' },
  ...settable,
];

const importFlags: readonly Flag[] = [
  { flags: '--aws-access-key-id <id>', about: 'for s3://…', parse: someText, field: 'awsS3Source.accessKeyId' },
  { flags: '--aws-secret-access-key <key>', about: 'for s3://…', parse: someText, field: 'awsS3Source.accessSecret' },
  { flags: '--role-arn <arn>', about: 'for s3://…', parse: someText, field: 'awsS3Source.roleArn' },
  { flags: '--azure-sas-token-secret <name>', about: 'for Azure', parse: someText, field: 'azureBlobSource.sasTokenSecret' },
  { flags: '--azure-client-id <id>', about: 'for Azure', parse: someText, field: 'azureBlobSource.clientId' },
  { flags: '--azure-tenant-id <id>', about: 'for Azure', parse: someText, field: 'azureBlobSource.tenantId' },
  { flags: '--poll-duration <duration>', about: 'how long to wait for an import (default: 2h0m0s)', parse: durationMs },
];

const kind: Kind<Model> = {
  noun: 'model',
  words: 'model',
  collection: 'models',
  completes: 'models',
  flags,
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['CREATE TIME', ({ createTime }) => createTime ?? ''],
    ['KIND', (model) => model.kind],
    ['CHAT', ({ conversationConfig }) => String(conversationConfig !== null)],
    ['PUBLIC', (model) => String(model.public)],
    ['STATE', ({ state }) => state],
    ['STATUS MESSAGE', ({ status }) => status.message],
  ],
};

const deployment: Flag = { flags: '--deployment <id>', about: 'where to (default: serverless)', parse: someText };

/** `firectl model …`. */
export const models: Noun = {
  name: 'model',
  plural: 'models',
  aliases: [],
  about: 'what answers prompts',
  operations: [
    {
      verb: 'create',
      summary: 'make a model and upload its folder',
      args: [
        { name: '<id>', about: 'id of the model' },
        { name: '<path>', about: 'folder with its files, or s3://…', completes: 'files' },
      ],
      flags: [
        ...flags,
        { flags: '--enable-resumable-upload', about: 'accepted; every upload here goes on where it broke off, file by file' },
        ...importFlags,
        QUIET,
        OUTPUT,
        DRY_RUN,
      ],
      examples: ['model create my-model ./my-model', 'model create my-addon ./my-lora --base-model my-model'],
      run: async (call) => (await import('./run-models.ts')).createModel(call, { kind, importFlags }),
    },
    {
      verb: 'pull',
      summary: 'have the server fetch a model; `boatload models` shows what it knows by name',
      args: [{ name: '<source>', about: 'name of the catalogue, hf:owner/repository/file.gguf, or a URL' }],
      flags: [
        { flags: '--name <id>', about: "id of the model (default: made from the file's name)", parse: someText },
        { flags: '--precision <precision>', about: "which of the catalogue's files (default: the usual one)", parse: someText },
        { flags: '--sha256 <hex>', about: 'what its file must be (default: what the hub says)', parse: someText },
        { flags: '--no-wait', about: 'do not wait until it is here' },
        QUIET,
        OUTPUT,
      ],
      examples: ['model pull qwen3-0p6b', 'model pull hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf --name my-qwen'],
      run: async (call) => (await import('./run-pull.ts')).pullModel(call, kind),
    },
    getRow(kind),
    listRow(kind),
    updateRow(kind, settable),
    deleteRow(kind),
    {
      verb: 'upload',
      summary: "upload a model's folder, after an upload that broke off",
      args: [idArgument(kind), { name: '<folder>', about: 'folder with its files', completes: 'files' }],
      flags: [QUIET],
      examples: ['model upload my-model ./my-model'],
      run: async (call) => (await import('./run-models.ts')).uploadModel(call),
    },
    {
      verb: 'download',
      summary: 'download the files of a model',
      args: [idArgument(kind), { name: '<folder>', about: 'where to', completes: 'files' }],
      flags: [QUIET],
      examples: ['model download my-model ./my-model'],
      run: async (call) => (await import('./run-models.ts')).downloadModel(call),
    },
    {
      verb: 'prepare',
      older: [['prepare-model']],
      summary: 'add a precision that a model can be served in',
      args: [idArgument(kind)],
      flags: [
        { flags: '--precision <precision>', about: 'which one (default: FP8)', parse: someText },
        ...waitFlags('wait until it is READY'),
      ],
      examples: ['model prepare my-model --wait'],
      run: async (call) => (await import('./run-models.ts')).prepareModel(call),
    },
    {
      verb: 'load-lora',
      older: [['load-lora']],
      summary: 'serve an addon',
      args: [idArgument(kind)],
      flags: [
        deployment,
        { flags: '--public', about: 'usable from every account' },
        { flags: '--replace-merged-addon', about: 'in place of the one that is merged there' },
        ...waitFlags('wait until it is served'),
      ],
      examples: ['model load-lora my-addon'],
      run: async (call) => (await import('./run-models.ts')).loadAddon(call),
    },
    {
      verb: 'unload-lora',
      older: [['unload-lora']],
      summary: 'stop serving an addon',
      args: [idArgument(kind)],
      flags: [deployment, ...waitFlags('wait until it is not served any more')],
      examples: ['model unload-lora my-addon'],
      run: async (call) => (await import('./run-models.ts')).unloadAddon(call),
    },
  ],
};
