/** Opens the object store that a URL names: `file:/folder` is on disk, `s3://bucket` on a server. */
import { fileURLToPath } from 'node:url';
import { Problem } from '../base/problem.ts';
import { openDiskStore } from './disk.ts';
import type { ObjectStore } from './object-store.ts';

/** S3's client is loaded where it is needed only. */
export async function openObjectStore(url: string): Promise<ObjectStore> {
  if (url.startsWith('s3://')) return (await import('./s3.ts')).openS3Store(url);
  if (url.startsWith('file:')) return openDiskStore(url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length));
  throw new Problem('INVALID_ARGUMENT', `An object store is file:/folder or s3://bucket, got "${url}".`, {
    reason: 'STORE_URL_UNKNOWN',
  });
}
