/** `:getDownloadEndpoint` of a model, and the other end of such a link. */
import { Problem } from '../base/problem.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import type { Caller } from './context.ts';
import { getModel, type ModelAddress } from './get-model.ts';
import type { LinkedFile } from './link-download.ts';
import { type LinkContext, type ModelTarget, toSignedUrl } from './model-links.ts';
import { checkLink, type LinkStamp } from './sign-link.ts';

/** Links to the files of a model that is READY, by name. */
export async function linkModelDownload(
  context: LinkContext,
  caller: Caller,
  address: ModelAddress,
): Promise<Readonly<Record<string, string>>> {
  const { record } = await getModel(context, caller, address);
  if (record?.state !== 'READY') throw noFiles(address.id, record?.state);
  const { accountId, id } = record;
  const files = await listModelFiles(context.store.db, record);
  return Object.fromEntries(
    files.map(({ name: file }) => [
      file,
      toSignedUrl(context, { allows: 'download', collection: 'models', accountId, id, file }),
    ]),
  );
}

/** The file behind a link, when the link is ours and still good. */
export async function openModelLink(context: LinkContext, target: ModelTarget, stamp: LinkStamp): Promise<LinkedFile> {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  const files = await listModelFiles(context.store.db, target);
  const file = files.find(({ name }) => name === target.file);
  if (file?.objectKey && file.sha256) return { ...file, objectKey: file.objectKey, sha256: file.sha256 };
  throw new Problem('NOT_FOUND', `resource not found: "${target.file}" was deleted after this link was made`, {
    reason: 'FILE_NOT_FOUND',
  });
}

const noFiles = (id: string, state: string | undefined): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    state === undefined
      ? `Model "${id}" comes from an engine: its files are there, not here.`
      : `Model "${id}" is ${state}: its files can be downloaded once it is READY.`,
    { reason: 'MODEL_WITHOUT_FILES' },
  );
