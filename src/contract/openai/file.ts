/** Files: datasets as OpenAI's clients see them. */
import { z } from 'zod';
import { Int32 } from '../json.ts';
import { RESULT_HEADERS } from '../results-headers.ts';
import { openAiList } from './list.ts';

/** What a file can be sent for. Here every file is rows of JSON, whatever it is said to be for. */
export const FILE_PURPOSES = ['batch', 'assistants', 'fine-tune', 'vision', 'user_data'] as const;

const PURPOSES = [...FILE_PURPOSES, 'assistants_output', 'batch_output', 'fine-tune-results'] as const;

/** A file as it is answered. */
export const OpenAiFile = z
  .object({
    id: z.string().describe('`file-{dataset}`; `file-{dataset}.errors` is what a job wrote of the rows that have no answer'),
    object: z.literal('file'),
    bytes: z.int().describe('Size of the content in bytes'),
    created_at: z.int().describe('When it was made, in seconds since 1970'),
    expires_at: z.int().optional().describe('When it is deleted by itself, in seconds since 1970; absent: never'),
    filename: z.string().describe('As sent; of a job’s output after the batch'),
    purpose: z.enum(PURPOSES).describe('What it was sent for; `batch_output` for what a job wrote'),
    status: z.enum(['uploaded', 'processed', 'error']).describe('Always `processed`: a file is there once it is whole'),
    status_details: z.string().optional().describe('Never present: nothing is wrong with a file that is there'),
  })
  .meta({ id: 'OpenAiFile', description: 'A file: a dataset, or one of the two halves of what a job wrote' });
export type OpenAiFile = z.output<typeof OpenAiFile>;

/** Query of a file's content. An extension: the published clients send none unless they are told to. */
export const FileContentQuery = z.object({
  pageToken: z
    .string()
    .optional()
    .describe(
      `Of a file that a batch writes: where to go on, as \`${RESULT_HEADERS.nextPageToken}\` said. The rows after that come, in the order of their commits`,
    ),
});

const HOUR = 3600;
const MONTH = 30 * 24 * HOUR;

/** How long a file lives. */
export const ExpiresAfter = z
  .strictObject({
    anchor: z.literal('created_at', 'expected "created_at"').describe('From when the seconds count'),
    seconds: Int32.pipe(z.number().min(HOUR).max(MONTH)).describe(`${HOUR} (an hour) to ${MONTH} (30 days)`),
  })
  .describe('When it is deleted by itself; without it, never');

/** What a file is sent for: said with every upload. */
export const FilePurpose = z
  .enum(FILE_PURPOSES, `expected one of ${FILE_PURPOSES.join(', ')}`)
  .describe('What it is for; `batch` for what a batch reads');

/** The fields of a file's form beside the file itself; `expires_after[seconds]` in the form is `expires_after.seconds` here. */
export const CreateFileFields = z.object({ purpose: FilePurpose, expires_after: ExpiresAfter.optional() });

/** The form of a new file, for the document. */
export const CreateFileForm = CreateFileFields.extend({
  file: z.string().meta({ format: 'binary', description: 'JSON lines' }),
}).meta({ id: 'OpenAiCreateFileForm', description: 'A new file; the parts in any order' });

/** Query of the list of files. */
export const ListFilesQuery = z.object({
  purpose: z.string().optional().describe('Only files with this purpose'),
  order: z.enum(['asc', 'desc']).optional().describe('By when they were made; `desc`, the newest first, when absent'),
  limit: Int32.pipe(z.number().min(1).max(10_000)).optional().describe('Files on a page, 1 to 10000; 10000 without it'),
  after: z.string().optional().describe('Id of the file after which the list goes on'),
});

/** A page of files. */
export const OpenAiFileList = openAiList(OpenAiFile).meta({ id: 'OpenAiFileList', description: 'A page of files' });

/** Reply of a delete. */
export const OpenAiFileDeleted = z
  .object({ id: z.string().describe('The file that was deleted'), object: z.literal('file'), deleted: z.literal(true) })
  .meta({ id: 'OpenAiFileDeleted', description: 'A file that is no more' });
