import type { Context } from 'hono';
import type { LinkStamp, LinkTarget } from '../actions/sign-link.ts';

/** The dataset's file that a link's path names. */
export const fileOf = (c: Context): Omit<LinkTarget, 'allows'> => ({
  collection: 'datasets',
  accountId: c.req.param('account_id') ?? '',
  id: c.req.param('id') ?? '',
  file: c.req.param('file') ?? '',
});

/** What should make the link good. */
export const stampOf = (c: Context): LinkStamp => ({
  expires: Number(c.req.query('expires')),
  signature: c.req.query('signature') ?? '',
});
