/** The URLs of a model's files. */
import type { Context } from './context.ts';
import type { Links } from './link-download.ts';
import { type LinkTarget, signLink } from './sign-link.ts';

/** What makes links. */
export type LinkContext = Context & { readonly links: Links };

/** A file of a model that a link is for. */
export type ModelTarget = LinkTarget & { readonly collection: 'models'; readonly allows: 'upload' | 'download' };

const FOLDERS = { upload: 'model-uploads', download: 'model-downloads' } as const;

/** Where a file is, without the permission to touch it. */
export const toPlainUrl = ({ links }: LinkContext, { allows, accountId, id, file }: ModelTarget): string =>
  `${links.baseUrl()}/v1/${FOLDERS[allows]}/${[accountId, id, file].map(encodeURIComponent).join('/')}`;

/** The same with the permission, for a while. */
export const toSignedUrl = (context: LinkContext, target: ModelTarget): string => {
  const { links, clock, limits } = context;
  const seconds = target.allows === 'upload' ? limits.uploadLinkSeconds : limits.linkSeconds;
  const expires = Math.floor(clock.now().getTime() / 1000) + seconds;
  const { signature } = signLink(links.secret, target, expires);
  const size = target.bytes === undefined ? '' : `size=${target.bytes}&`;
  return `${toPlainUrl(context, target)}?${size}expires=${expires}&signature=${signature}`;
};
