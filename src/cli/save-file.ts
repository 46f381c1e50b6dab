/** A remote file becomes a local one. What was begun is kept aside under the file's mark, and goes on at the next try. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Problem } from '../base/problem.ts';
import type { RemoteFile } from '../client/download.ts';
import { counted, type OnTransfer } from '../client/transfer.ts';

/** Downloads to a path; what stands there before is replaced when all has come. */
export async function saveFile(file: RemoteFile, path: string, onProgress: OnTransfer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const { bytes: totalBytes, etag } = await file.head();
  const aside = `${path}${etag === undefined ? '' : `.${etag.replaceAll(/\W/g, '').slice(0, 12)}`}.part`;
  const start = etag === undefined ? 0 : await sizeOf(aside);
  if (start === 0 || start !== totalBytes) {
    const chunks = counted(file.read({ start, etag }), (bytes) =>
      onProgress({ bytes: start + bytes, ...(totalBytes !== undefined && { totalBytes }) }),
    );
    await pipeline(chunks, createWriteStream(aside, { flags: start === 0 ? 'w' : 'a' }));
  }
  if (totalBytes !== undefined && (await sizeOf(aside)) !== totalBytes) throw incomplete(path, totalBytes);
  await rename(aside, path);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const incomplete = (path: string, bytes: number): Problem =>
  new Problem('DATA_LOSS', `${path} should have ${bytes} bytes and came with another number of them. Download it again.`, {
    reason: 'DOWNLOAD_INCOMPLETE',
  });
