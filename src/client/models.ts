/** Models: what answers prompts. */
import type { z } from 'zod';
import type { CreateModelRequest, Model, ModelWarnings, PrepareModelRequest, UpdateModelRequest } from '../contract/model.ts';
import { makeRemoteFile, type RemoteFile } from './download.ts';
import { makeResource, type Resource } from './resource.ts';
import type { CallOptions, Transport } from './transport.ts';
import { sendToLinks, type UploadFile, type UploadOptions } from './upload.ts';

/** A model as it is asked for. */
export type NewModel = z.input<typeof CreateModelRequest>;
/** What of a model can change. */
export type ModelPatch = z.input<typeof UpdateModelRequest>;

/** `client.models`. */
export interface Models extends Resource<Model, ModelPatch> {
  /** Makes a model that waits for its files. */
  create(model: NewModel, options?: CallOptions): Promise<Model>;
  /** Sends its files and has them checked; answers what is odd about them. A call that was broken off may be made again. */
  upload(name: string, files: readonly UploadFile[], options?: UploadOptions): Promise<readonly string[]>;
  /** The files to download. */
  files(name: string, options?: CallOptions): Promise<readonly RemoteFile[]>;
  /** Adds a precision that the model can be served in. */
  prepare(name: string, wish?: z.input<typeof PrepareModelRequest>, options?: CallOptions): Promise<void>;
}

interface FileLinks {
  readonly filenameToSignedUrls: Readonly<Record<string, string>>;
}

/** Makes `client.models`. */
export function makeModels(transport: Transport): Models {
  const resource = makeResource<Model, ModelPatch>(transport, 'models');
  const askLinks = (name: string, signal: AbortSignal | undefined): Promise<FileLinks> =>
    transport.request({ method: 'GET', path: `${resource.pathOf(name)}:getDownloadEndpoint`, signal });
  return {
    ...resource,
    create: (body, { signal } = {}) => transport.request({ method: 'POST', path: resource.path, body, signal }),
    upload: async (name, files, options = {}) => {
      const path = resource.pathOf(name);
      if (!(await sendToLinks(transport, { path, files }, options)))
        throw new RangeError('This server takes no files for models: it offers no upload links.');
      const call = { method: 'GET', path: `${path}:validateUpload`, signal: options.signal } as const;
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
    prepare: async (name, body = {}, { signal } = {}) => {
      const path = `${resource.pathOf(name)}:prepare`;
      await transport.request({ method: 'POST', path, body, signal, isRepeatable: true });
    },
  };
}
