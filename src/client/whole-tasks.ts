/** What takes several calls: a dataset sent, a dataset fetched, a job waited for. */
import type { Dataset } from '../contract/dataset.ts';
import type { BatchInferenceJob } from '../contract/job.ts';
import type { Datasets, FilesOptions, NewDataset } from './datasets.ts';
import type { RemoteFile } from './download.ts';
import { ApiError } from './errors.ts';
import { isFinalState, type Jobs } from './jobs.ts';
import { counted, type Transfer } from './transfer.ts';
import type { UploadFile, UploadOptions } from './upload.ts';
import { type WaitOptions, waitUntil } from './wait.ts';

/** Where the bytes of a file go. In Node, `Writable.toWeb(createWriteStream(path))` makes one. */
export type ToSink = (file: RemoteFile) => WritableStream<Uint8Array> | Promise<WritableStream<Uint8Array>>;

/** How to fetch a dataset. */
export interface DownloadOptions extends FilesOptions {
  /** Gets how far the file in hand is, as often as bytes have come. Default: nobody is told. */
  readonly onProgress?: ((transfer: Transfer & { readonly file: RemoteFile }) => void) | undefined;
}

/** The part of a client that these tasks are. */
export interface WholeTasks {
  /**
   * Makes a dataset and sends its files, streaming; answers it READY. Takes up a dataset that is there and waits for its files. A large file that breaks off
   * goes on where it stopped; with `resume` also one of an earlier call.
   */
  uploadDataset(dataset: NewDataset, files: readonly UploadFile[], options?: UploadOptions): Promise<Dataset>;
  /** Fetches the files of a dataset, one after the other, streaming; answers them. A file that breaks off goes on where it stopped. */
  downloadDataset(name: string, toSink: ToSink, options?: DownloadOptions): Promise<readonly RemoteFile[]>;
  /** Resolves when a job has ended, however it ended: look at its `state`. */
  waitForJob(name: string, options?: WaitOptions<BatchInferenceJob>): Promise<BatchInferenceJob>;
}

/** Makes them. */
export const makeWholeTasks = ({ datasets, jobs }: { readonly datasets: Datasets; readonly jobs: Jobs }): WholeTasks => ({
  uploadDataset: async (dataset, files, options = {}) => {
    const { name } = await makeOrFind(datasets, dataset, options.signal);
    return datasets.upload(name, files, options);
  },
  downloadDataset: async (name, toSink, { signal, onProgress, ...which } = {}) => {
    const files = await datasets.files(name, { ...which, signal });
    for (const file of files) {
      const { bytes: totalBytes } = await file.head({ signal });
      const all = totalBytes === undefined ? {} : { totalBytes };
      const chunks = counted(file.read({ signal }), (bytes) => onProgress?.({ file, bytes, ...all }));
      await writeAll(chunks, await toSink(file));
    }
    return files;
  },
  waitForJob: (name, options = {}) =>
    waitUntil(
      () => jobs.get(name, { signal: options.signal }),
      ({ state }) => isFinalState(state),
      options,
    ),
});

/** One that has its files is somebody else's, or was done before. */
async function makeOrFind(datasets: Datasets, dataset: NewDataset, signal: AbortSignal | undefined): Promise<Dataset> {
  try {
    return await datasets.create(dataset, { signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'ALREADY_EXISTS') throw error;
    const known = await datasets.get(dataset.datasetId, { signal });
    if (known.state !== 'UPLOADING') throw error;
    return known;
  }
}

/** Not every browser makes a stream out of an iterator. */
async function writeAll(chunks: AsyncIterable<Uint8Array>, sink: WritableStream<Uint8Array>): Promise<void> {
  const writer = sink.getWriter();
  try {
    for await (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    // What is wrong is thrown below, also where the sink itself has failed.
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}
