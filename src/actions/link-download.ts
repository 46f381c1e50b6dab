/** `:getDownloadEndpoint`: links to a dataset's files that need no key and expire; and the other end of such a link. */
import { Problem } from '../base/problem.ts';
import { downloadKey } from '../contract/dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
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

type LinkContext = Context & { readonly links: Links };

/** Links to all files of a dataset, by download key. */
export async function linkDownload(
  context: LinkContext,
  caller: Caller,
  datasetId: string,
): Promise<Readonly<Record<string, string>>> {
  const { accountId, id } = await getDataset(context, caller, datasetId);
  const files = await listDatasetFiles(context.store.db, accountId, id);
  const expires = Math.floor(context.clock.now().getTime() / 1000) + context.limits.linkSeconds;
  return Object.fromEntries(
    files.map(({ name }) => [downloadKey(id, name), makeUrl(context.links, { accountId, datasetId: id, file: name }, expires)]),
  );
}

/** The file behind a link, when the link is ours and still good. */
export async function openLink(context: LinkContext, target: LinkTarget, stamp: LinkStamp): Promise<LinkedFile> {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  const files = await listDatasetFiles(context.store.db, target.accountId, target.datasetId);
  const file = files.find(({ name }) => name === target.file);
  if (file === undefined) throw gone(target);
  return file;
}

const makeUrl = ({ secret, baseUrl }: Links, target: LinkTarget, expires: number): string => {
  const { signature } = signLink(secret, target, expires);
  const path = [target.accountId, target.datasetId, target.file].map(encodeURIComponent).join('/');
  return `${baseUrl()}/v1/downloads/${path}?expires=${expires}&signature=${signature}`;
};

const gone = ({ file }: LinkTarget): Problem =>
  new Problem('NOT_FOUND', `resource not found: "${file}" was deleted after this link was made`, { reason: 'FILE_NOT_FOUND' });
