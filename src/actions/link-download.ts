/** `:getDownloadEndpoint`: links to a dataset's files that need no key and expire; and the other end of such a link. */
import { Problem } from '../base/problem.ts';
import { downloadKey, MERGED_FILE } from '../contract/dataset.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Dataset } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { checkMergeable, listLineageDatasets, mergeLineage } from './dataset-lineage.ts';
import { getDataset } from './get-dataset.ts';
import type { MergedRow } from './merge-outputs.ts';
import { checkLink, type LinkStamp, type LinkTarget, signLink } from './sign-link.ts';

/** How links are made; only a server has them. */
export interface Links {
  /** Kept over restarts, else links die with the process. */
  readonly secret: Uint8Array;
  /** Where the outside reaches this server, without a slash at the end: configured, or the listening address; never what a request says. */
  readonly baseUrl: () => string;
}

/** A file that a link opens. */
export interface LinkedFile {
  readonly name: string;
  readonly objectKey: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Which links are wanted. */
export interface DownloadWish {
  readonly datasetId: string;
  /** To the files of every dataset in the chain of continued jobs, too. */
  readonly lineage?: boolean | undefined;
  /** To one file in place of the dataset's own: every row of the chain once, in input order. */
  readonly merge?: boolean | undefined;
}

type LinkContext = Context & { readonly links: Links };

/** The links by download key; keys hold the dataset's id, so those of a chain never collide. */
export async function linkDownload(
  context: LinkContext,
  caller: Caller,
  { datasetId, lineage = false, merge = false }: DownloadWish,
): Promise<Readonly<Record<string, string>>> {
  const dataset = await getDataset(context, caller, datasetId);
  if (merge) await checkMergeable(context, dataset);
  const datasets = lineage ? await listLineageDatasets(context, dataset) : merge ? [] : [dataset];
  const files = (await Promise.all(datasets.map((member) => linkFiles(context, member)))).flat();
  return Object.fromEntries(
    merge ? [...files, linkOf(context, dataset, { allows: 'merged-download', file: MERGED_FILE })] : files,
  );
}

/** The file behind a link, when the link is ours and still good. */
export async function openLink(context: LinkContext, target: LinkTarget, stamp: LinkStamp): Promise<LinkedFile> {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  const files = await listDatasetFiles(context.store.db, target.accountId, target.id);
  const file = files.find(({ name }) => name === target.file);
  if (file === undefined) throw gone(target);
  return file;
}

/** The rows behind a link to merged results, when the link is ours and still good. */
export async function openMergedLink(
  context: LinkContext,
  target: LinkTarget,
  stamp: LinkStamp,
): Promise<AsyncIterable<MergedRow>> {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  const dataset = await findDataset(context.store.db, target.accountId, target.id);
  if (dataset === undefined) throw gone(target);
  return mergeLineage(context, dataset);
}

async function linkFiles(context: LinkContext, dataset: Dataset): Promise<readonly (readonly [key: string, url: string])[]> {
  const files = await listDatasetFiles(context.store.db, dataset.accountId, dataset.id);
  return files.map(({ name }) => linkOf(context, dataset, { allows: 'download', file: name }));
}

const linkOf = (
  { links, clock, limits }: LinkContext,
  { accountId, id }: Dataset,
  { allows, file }: Pick<LinkTarget, 'allows' | 'file'>,
): readonly [key: string, url: string] => {
  const expires = Math.floor(clock.now().getTime() / 1000) + limits.linkSeconds;
  const { signature } = signLink(links.secret, { allows, collection: 'datasets', accountId, id, file }, expires);
  const folder = allows === 'download' ? 'downloads' : 'merged-downloads';
  const path = [accountId, id, file].map(encodeURIComponent).join('/');
  return [downloadKey(id, file), `${links.baseUrl()}/v1/${folder}/${path}?expires=${expires}&signature=${signature}`];
};

const gone = ({ file }: LinkTarget): Problem =>
  new Problem('NOT_FOUND', `resource not found: "${file}" was deleted after this link was made`, { reason: 'FILE_NOT_FOUND' });
