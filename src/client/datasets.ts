/** Datasets: immutable files of rows. */
import type { z } from 'zod';
import type {
  CreateDatasetRequest,
  Dataset,
  SplitDatasetReply,
  SplitDatasetRequest,
  UpdateDatasetRequest,
} from '../contract/dataset.ts';
import { makeRemoteFile, type RemoteFile } from './download.ts';
import { type Listing, type ListOptions, makeListing } from './pages.ts';
import { makeResource, type Resource } from './resource.ts';
import { type CallOptions, type CreateOptions, makeWord, type Transport } from './transport.ts';
import { sendAsForm, sendToLinks, type UploadFile, type UploadOptions } from './upload.ts';

/** A dataset as it is asked for. */
export type NewDataset = z.input<typeof CreateDatasetRequest>;
/** What of a dataset can change: its label. */
export type DatasetPatch = z.input<typeof UpdateDatasetRequest>;

/** Which files of a dataset. */
export interface FilesOptions extends CallOptions {
  /** Those of every dataset in the chain of continued jobs, too. Default false. */
  readonly lineage?: boolean | undefined;
  /** One file made of the whole chain, every row once and in input order: in place of the dataset's own, or with `lineage` beside all. Default false. */
  readonly merged?: boolean | undefined;
}

/** How to look at rows. */
export type RowsOptions = Pick<ListOptions, 'pageSize' | 'signal'>;

/** `client.datasets`. */
export interface Datasets extends Resource<Dataset, DatasetPatch> {
  /** Makes a dataset that waits for its files. */
  create(dataset: NewDataset, options?: CreateOptions): Promise<Dataset>;
  /** Sends its files and answers the dataset, READY. Several files need a server with upload links. */
  upload(name: string, files: readonly UploadFile[], options?: UploadOptions): Promise<Dataset>;
  /** Its rows, parsed; a line that is no JSON comes as a string. */
  rows(name: string, options?: RowsOptions): Listing<unknown>;
  /** Cuts it into datasets of so many rows, and answers their names. */
  split(
    name: string,
    wish: z.input<typeof SplitDatasetRequest>,
    options?: CreateOptions,
  ): Promise<z.output<typeof SplitDatasetReply>>;
  /** The files to download. */
  files(name: string, options?: FilesOptions): Promise<readonly RemoteFile[]>;
}

interface DownloadLinks {
  readonly filenameToSignedUrls: Readonly<Record<string, string>>;
}

/** Makes `client.datasets`. */
export function makeDatasets(transport: Transport): Datasets {
  const resource = makeResource<Dataset, DatasetPatch>(transport, 'datasets');

  const askLinks = async (name: string, { lineage, merged, signal }: FilesOptions): Promise<DownloadLinks> =>
    transport.request({
      method: 'GET',
      path: `${resource.pathOf(name)}:getDownloadEndpoint`,
      query: { downloadLineage: lineage || undefined, merge: merged || undefined },
      signal,
    });

  return {
    ...resource,
    create: (body, { signal, idempotencyKey = makeWord() } = {}) =>
      transport.request({ method: 'POST', path: resource.path, body, signal, idempotencyKey }),
    rows: (name, options) => {
      const place = { path: `${resource.pathOf(name)}:preview`, collection: 'examples', total: 'totalCount' };
      return makeListing(transport, place, options);
    },
    split: (name, body, { signal, idempotencyKey = makeWord() } = {}) =>
      transport.request({ method: 'POST', path: `${resource.pathOf(name)}:splitDataset`, body, signal, idempotencyKey }),
    upload: async (name, files, options = {}) => {
      const path = resource.pathOf(name);
      const [first, ...others] = files;
      if (await sendToLinks(transport, { path, files }, options)) {
        const { signal } = options;
        await transport.request({ method: 'POST', path: `${path}:validateUpload`, body: {}, signal, isRepeatable: true });
      } else if (first !== undefined && others.length === 0) {
        await sendAsForm(transport, { path, file: first }, options);
      } else {
        throw new RangeError('Expected one file: this server takes several only with upload links, which it does not offer.');
      }
      return resource.get(name, { signal: options.signal });
    },
    files: async (name, options = {}) => {
      const { filenameToSignedUrls } = await askLinks(name, options);
      return Object.entries(filenameToSignedUrls).map(([key, url]) =>
        makeRemoteFile(transport, {
          key,
          url,
          renew: async () => (await askLinks(name, options)).filenameToSignedUrls[key] ?? url,
        }),
      );
    },
  };
}
