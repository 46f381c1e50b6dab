/** Uploads: large files that come in by parts. */
import { z } from 'zod';
import { ExpiresAfter, FilePurpose, OpenAiFile } from './file.ts';

/** The most bytes of one part. */
export const MOST_PART_BYTES = 64 * 1024 * 1024;

/** The most parts of one upload. */
export const MOST_PARTS = 10_000;

/** An upload as it is answered. */
export const OpenAiUpload = z
  .object({
    id: z.string().describe('`upload_…`'),
    object: z.literal('upload'),
    bytes: z.int().describe('Size that the file was announced with'),
    created_at: z.int().describe('When it was begun, in seconds since 1970'),
    expires_at: z.int().describe('Until when it takes parts and can be completed: an hour later, in seconds since 1970'),
    filename: z.string().describe('What the file will be called'),
    purpose: z.string().describe('What the file will be for'),
    status: z
      .enum(['pending', 'completed', 'cancelled', 'expired'])
      .describe('`pending` while it takes parts, `completed` once it is a file'),
    file: OpenAiFile.nullable().describe('What it became; null before'),
  })
  .meta({ id: 'OpenAiUpload', description: 'A file on its way in' });
export type OpenAiUpload = z.output<typeof OpenAiUpload>;

/** Body of a create. */
export const CreateUploadRequest = z
  .strictObject({
    filename: z.string().min(1).max(1000).describe('What the file will be called; folders in it are dropped'),
    bytes: z.int().min(1).describe('Its size: exactly so much must have come when the upload is completed'),
    purpose: FilePurpose,
    mime_type: z.string().describe('Accepted; every file is taken for JSON lines'),
    expires_after: ExpiresAfter.optional(),
  })
  .meta({ id: 'OpenAiCreateUploadRequest', description: 'A file that is going to come by parts' });

/** The form of a part, for the document. */
export const AddPartForm = z
  .object({
    data: z
      .string()
      .meta({ format: 'binary', description: `A piece of the file, 1 byte to 64 MiB; up to ${MOST_PARTS} of them` }),
  })
  .meta({ id: 'OpenAiAddPartForm', description: 'A piece of a file' });

/** A part as it is answered. */
export const OpenAiUploadPart = z
  .object({
    id: z.string().describe('`part_…`: name it when the upload is completed'),
    object: z.literal('upload.part'),
    created_at: z.int().describe('When it had come, in seconds since 1970'),
    upload_id: z.string().describe('The upload that it is of'),
  })
  .meta({ id: 'OpenAiUploadPart', description: 'A piece of a file that has come' });

/** Body of a complete. */
export const CompleteUploadRequest = z
  .strictObject({
    part_ids: z.array(z.string()).min(1).max(MOST_PARTS).describe('The parts in the order in which they are the file'),
    md5: z
      .string()
      .regex(/^[0-9a-fA-F]{32}$/, 'expected 32 hexadecimal digits')
      .optional()
      .describe('MD5 of the whole file in hexadecimal digits, to have it checked'),
  })
  .meta({ id: 'OpenAiCompleteUploadRequest', description: 'What the file is made of' });
