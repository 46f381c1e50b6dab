/** Models: what answers prompts. */
import type { z } from 'zod';
import type { DeployedModel, UpdateDeployedModelRequest } from '../contract/deployed-model.ts';
import type {
  CreateModelRequest,
  ImportModelRequest,
  Model,
  ModelCatalogue,
  ModelWarnings,
  PrepareModelRequest,
  PullModelRequest,
  UpdateModelRequest,
  ValidateModelConfigRequest,
} from '../contract/model.ts';
import { makeRemoteFile, type RemoteFile } from './download.ts';
import { makeResource, type Resource } from './resource.ts';
import { type CallOptions, type CreateOptions, makeWord, type Transport } from './transport.ts';
import { sendToLinks, type UploadFile, type UploadOptions } from './upload.ts';

/** A model as it is asked for. */
export type NewModel = z.input<typeof CreateModelRequest>;
/** What of a model can change. */
export type ModelPatch = z.input<typeof UpdateModelRequest>;

/** `client.models`. */
export interface Models extends Resource<Model, ModelPatch> {
  /** Makes a model that waits for its files. */
  create(model: NewModel, options?: CreateOptions): Promise<Model>;
  /** Sends its files and has them checked; answers what is odd about them. A call that was broken off may be made again. */
  upload(name: string, files: readonly UploadFile[], options?: UploadOptions): Promise<readonly string[]>;
  /** Has the server fetch a model: from its catalogue, from the hub, or from a URL. Answers at once; `pull` of the model says how it goes. */
  pull(wish: z.input<typeof PullModelRequest>, options?: CallOptions): Promise<Model>;
  /** What can be pulled by its name. */
  catalogue(options?: CallOptions): Promise<ModelCatalogue['models']>;
  /** Looks over its configuration before it is uploaded; answers what is odd about it. */
  validateConfig(config: z.input<typeof ValidateModelConfigRequest>, options?: CallOptions): Promise<readonly string[]>;
  /** The files to download. */
  files(name: string, options?: CallOptions): Promise<readonly RemoteFile[]>;
  /** Fetches its files from somebody else's storage, where the server offers that. */
  import(name: string, source: z.input<typeof ImportModelRequest>, options?: CallOptions): Promise<void>;
  /** Adds a precision that the model can be served in. */
  prepare(name: string, wish?: z.input<typeof PrepareModelRequest>, options?: CallOptions): Promise<void>;
  /** Serves an addon, where the server offers that. */
  load(wish: AddonWish, options?: CallOptions): Promise<void>;
  /** Stops serving one; `deployedModel` is the name of one of its `deployedModelRefs`. */
  unload(deployedModel: string, options?: CallOptions): Promise<void>;
}

/** `client.deployedModels`: models that engines serve at the moment. Where engines decide that themselves, changing and deleting are refused. */
export type DeployedModels = Resource<DeployedModel, z.input<typeof UpdateDeployedModelRequest>>;

/** How an addon is to be served. */
export interface AddonWish {
  readonly model: string;
  readonly deployment?: string | undefined;
  readonly public?: boolean | undefined;
  readonly replaceMergedAddon?: boolean | undefined;
}

interface FileLinks {
  readonly filenameToSignedUrls: Readonly<Record<string, string>>;
}

/** Makes `client.deployedModels`. */
export const makeDeployedModels = (transport: Transport): DeployedModels => makeResource(transport, 'deployedModels');

/** Makes `client.models`. */
export function makeModels(transport: Transport): Models {
  const resource = makeResource<Model, ModelPatch>(transport, 'models');
  const deployed = makeDeployedModels(transport);
  const askLinks = (name: string, signal: AbortSignal | undefined): Promise<FileLinks> =>
    transport.request({ method: 'GET', path: `${resource.pathOf(name)}:getDownloadEndpoint`, signal });
  return {
    ...resource,
    create: (body, { signal, idempotencyKey = makeWord() } = {}) =>
      transport.request({ method: 'POST', path: resource.path, body, signal, idempotencyKey }),
    upload: async (name, files, options = {}) => {
      const path = resource.pathOf(name);
      if (!(await sendToLinks(transport, { path, files }, options)))
        throw new RangeError('This server takes no files for models: it offers no upload links.');
      const call = { method: 'GET', path: `${path}:validateUpload`, signal: options.signal } as const;
      return (await transport.request<z.output<typeof ModelWarnings>>(call)).warnings;
    },
    pull: (body, { signal } = {}) =>
      transport.request({ method: 'POST', path: `${resource.path}:pull`, body, signal, isRepeatable: true }),
    catalogue: async ({ signal } = {}) =>
      (await transport.request<ModelCatalogue>({ method: 'GET', path: '/v1/modelCatalogue', signal })).models,
    validateConfig: async (body, { signal } = {}) => {
      const call = { method: 'POST', path: '/v1/validateModelConfig', body, signal, isRepeatable: true } as const;
      return (await transport.request<z.output<typeof ModelWarnings>>(call)).warnings;
    },
    files: async (name, { signal } = {}) => {
      const { filenameToSignedUrls } = await askLinks(name, signal);
      return Object.entries(filenameToSignedUrls).map(([key, url]) =>
        makeRemoteFile(transport, {
          key,
          url,
          renew: async () => (await askLinks(name, signal)).filenameToSignedUrls[key] ?? url,
        }),
      );
    },
    import: async (name, body, { signal } = {}) => {
      await transport.request({ method: 'POST', path: `${resource.pathOf(name)}:import`, body, signal });
    },
    prepare: async (name, body = {}, { signal } = {}) => {
      const path = `${resource.pathOf(name)}:prepare`;
      await transport.request({ method: 'POST', path, body, signal, isRepeatable: true });
    },
    load: async ({ replaceMergedAddon, ...body }, { signal } = {}) => {
      await transport.request({ method: 'POST', path: deployed.path, query: { replaceMergedAddon }, body, signal });
    },
    unload: (deployedModel, options) => deployed.delete(deployedModel, options),
  };
}
