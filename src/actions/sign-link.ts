/** Links that carry their own permission: an expiry and an HMAC over what they allow. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Problem } from '../base/problem.ts';

/** What a link allows, and with which file. */
export interface LinkTarget {
  /** A merged download is made of all datasets of a chain while it is sent. */
  readonly allows: 'download' | 'merged-download' | 'upload';
  readonly collection: 'datasets' | 'models';
  readonly accountId: string;
  readonly id: string;
  readonly file: string;
  /** Of an upload: the size that the file must have. */
  readonly bytes?: number;
}

/** What makes a link good. */
export interface LinkStamp {
  /** Seconds since 1970. */
  readonly expires: number;
  /** base64url. */
  readonly signature: string;
}

/** Stamps a target with its expiry and signature. */
export const signLink = (secret: Uint8Array, target: LinkTarget, expires: number): LinkStamp => ({
  expires,
  signature: sign(secret, target, expires).toString('base64url'),
});

/** Throws PERMISSION_DENIED unless the stamp is ours and still good. Constant time in the signature. */
export const checkLink = (
  secret: Uint8Array,
  { target, stamp, now }: { target: LinkTarget; stamp: LinkStamp; now: Date },
): void => {
  const expected = sign(secret, target, stamp.expires);
  const given = Buffer.from(stamp.signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Problem(
      'PERMISSION_DENIED',
      `This link was not made by this server, or was changed. Ask ${SOURCES[target.allows]} for a new one.`,
      { reason: 'LINK_FORGED' },
    );
  }
  if (now.getTime() >= stamp.expires * 1000) {
    throw new Problem('PERMISSION_DENIED', `This link has expired. Ask ${SOURCES[target.allows]} for a new one.`, {
      reason: 'LINK_EXPIRED',
    });
  }
};

const SOURCES = {
  download: ':getDownloadEndpoint',
  'merged-download': ':getDownloadEndpoint',
  upload: ':getUploadEndpoint',
} as const;

const sign = (secret: Uint8Array, target: LinkTarget, expires: number): Buffer => {
  const { allows, collection, accountId, id, file, bytes = null } = target;
  return createHmac('sha256', secret)
    .update(JSON.stringify([allows, collection, accountId, id, file, bytes, expires]))
    .digest();
};
