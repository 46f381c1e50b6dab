/** A dataset is made and its files are sent. */
import { createReadStream } from 'node:fs';
import { RowCounter } from '../actions/row-counter.ts';
import type { Client } from '../client/client.ts';
import type { NewDataset } from '../client/datasets.ts';
import type { Dataset } from '../contract/dataset.ts';
import type { Host } from './host.ts';
import { type LocalFile, toUploadFile } from './local-files.ts';
import { withTransferBar } from './transfer-bar.ts';

interface Upload {
  readonly host: Host;
  readonly quiet: boolean;
  readonly dataset: NewDataset;
  readonly files: readonly LocalFile[];
}

/** Rows of all files: some servers want to know before they get them. */
export async function countRows(files: readonly LocalFile[]): Promise<number> {
  let rows = 0;
  for (const { path } of files) {
    const counter = new RowCounter();
    for await (const chunk of createReadStream(path)) counter.add(chunk);
    rows += counter.rows;
  }
  return rows;
}

/** Makes the dataset, or takes up one whose upload broke off, and answers it when it is READY. */
export async function uploadDataset(client: Client, { host, quiet, dataset, files }: Upload): Promise<Dataset> {
  const uploads = await Promise.all(files.map(toUploadFile));
  const [first, ...others] = files;
  const what = `↑ ${others.length === 0 ? first?.name : `${files.length} files`}`;
  return withTransferBar({ host, quiet, what }, (onProgress) => client.uploadDataset(dataset, uploads, { onProgress }));
}
