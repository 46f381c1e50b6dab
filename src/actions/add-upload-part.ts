import { makeId } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import { insertUploadPart } from '../db/queries/insert-upload-part.ts';
import type { UploadPart } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { demandPending, getUpload, uploadOver } from './get-upload.ts';
import { storeFile } from './store-file.ts';

const ID_CHARACTERS = 24;

/** A part on its way in. */
export interface IncomingPart {
  readonly uploadId: string;
  /** The most that a part may have. */
  readonly mostBytes: number;
  /** The most parts that an upload may have. */
  readonly mostParts: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Streams a part in. Whatever goes wrong leaves nothing behind. */
export async function addUploadPart(
  context: Context,
  caller: Caller,
  { uploadId, mostBytes, mostParts, body }: IncomingPart,
): Promise<UploadPart> {
  const upload = await getUpload(context, caller, uploadId);
  demandPending(context, upload);
  const { accountId, bytes: wholeBytes } = upload;
  const most = Math.min(mostBytes, wholeBytes);
  const { objectKey, bytes } = await storeFile(context, body, { bytes: most, exceeded: () => partTooLarge(most) });
  const part = { accountId, uploadId, id: `part_${makeId(ID_CHARACTERS)}`, objectKey, bytes, createdAt: context.clock.now() };
  try {
    // A part may come twice: its sender didn't hear that it had come.
    if (bytes === 0) throw emptyPart();
    const outcome = await insertUploadPart(context.store.db, part, { parts: mostParts, bytes: 2 * wholeBytes + mostBytes });
    if (outcome === 'not-waiting') throw uploadOver(uploadId, 'completed');
    if (outcome === 'too-much') throw tooMuch(wholeBytes, mostParts);
    return part;
  } catch (cause) {
    await context.objects.delete([objectKey]);
    throw cause;
  }
}

const partTooLarge = (most: number): Problem =>
  new Problem('INVALID_ARGUMENT', `A part of this upload has at most ${most} bytes. Send it in smaller ones.`, {
    reason: 'PART_TOO_LARGE',
    details: { field: 'data', limitBytes: most },
  });

const emptyPart = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'The part is empty: a part has at least one byte.', {
    reason: 'PART_EMPTY',
    details: { field: 'data' },
  });

const tooMuch = (bytes: number, mostParts: number): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The parts of this upload are more than ${mostParts}, or far more than the ${bytes} bytes that it was begun with.`,
    { reason: 'PARTS_TOO_LARGE', details: { field: 'data' } },
  );
