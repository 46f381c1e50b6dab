/** `:getUploadEndpoint`: links to which the files of a dataset are put, each without a key, at the size that was announced, for a while. */
import { Problem } from '../base/problem.ts';
import { announceFiles } from '../db/queries/announce-files.ts';
import type { Tx } from '../db/store.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
import type { Links } from './link-download.ts';
import { checkQuota } from './quotas.ts';
import { alreadyReady, datasetTooLarge } from './receive-upload.ts';
import { signLink } from './sign-link.ts';

const MAX_FILES = 1000;

/** Announces the files, and answers a link for each by its name. Asking again for a file is harmless. */
export async function linkUpload(
  context: Context & { readonly links: Links },
  caller: Caller,
  { datasetId, sizes }: { readonly datasetId: string; readonly sizes: Readonly<Record<string, number>> },
): Promise<Readonly<Record<string, string>>> {
  const { store, limits, clock, links } = context;
  checkFiles(sizes);
  const { accountId, id } = await getDataset(context, caller, datasetId);
  const check = (tx: Tx) => checkQuota(context, tx, { accountId, id: 'dataset-bytes', adding: 0 });
  const verdict = await announceFiles(store.db, { accountId, id }, { sizes, limitBytes: limits.datasetBytes, check });
  if (verdict === 'not-waiting') throw alreadyReady(id);
  if (verdict === 'too-large') throw datasetTooLarge(limits.datasetBytes);
  const expires = Math.floor(clock.now().getTime() / 1000) + limits.uploadLinkSeconds;
  return Object.fromEntries(
    Object.entries(sizes).map(([file, bytes]) => {
      const target = { allows: 'upload', collection: 'datasets', accountId, id, file, bytes } as const;
      const { signature } = signLink(links.secret, target, expires);
      const path = [accountId, id, file].map(encodeURIComponent).join('/');
      return [file, `${links.baseUrl()}/v1/uploads/${path}?size=${bytes}&expires=${expires}&signature=${signature}`];
    }),
  );
}

const checkFiles = (sizes: Readonly<Record<string, number>>): void => {
  const names = Object.keys(sizes);
  if (names.length === 0 || names.length > MAX_FILES) throw badCount(names.length);
  for (const [name, bytes] of Object.entries(sizes)) {
    if (!isFileName(name)) throw badName(name);
    if (bytes < 1) throw badSize(name, bytes);
  }
};

/** A plain name: it ends up on somebody's disk. */
const isFileName = (name: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  Buffer.byteLength(name) <= 255 && name.isWellFormed() && !/[/\\\u0000-\u001f\u007f]/.test(name) && !/^(?:|\.|\.\.)$/.test(name);

const badCount = (count: number): Problem =>
  new Problem('INVALID_ARGUMENT', `filenameToSize must name 1 to ${MAX_FILES} files, it names ${count}.`, {
    reason: 'INVALID_FILE_COUNT',
    details: { field: 'filenameToSize' },
  });

const badName = (name: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `${JSON.stringify(name.slice(0, 100))} is no name for a file: expected 1 to 255 bytes without slashes and control characters.`,
    { reason: 'INVALID_FILE_NAME', details: { field: 'filenameToSize' } },
  );

const badSize = (name: string, bytes: number): Problem =>
  new Problem('INVALID_ARGUMENT', `The size of ${JSON.stringify(name)} must be at least 1 byte, it is ${bytes}.`, {
    reason: 'INVALID_FILE_SIZE',
    details: { field: 'filenameToSize' },
  });
