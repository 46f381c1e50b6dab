/** Batches on the wire: a job as OpenAI's clients see it. Times are seconds since 1970; what is not there is null. */
import { z } from 'zod';
import { Int32 } from '../json.ts';
import { openAiList } from './list.ts';

const SECONDS_IN = { m: 60, h: 3600, d: 86_400 } as const;

/** `24h` as seconds; `30m` and `7d` too. */
const CompletionWindow = z
  .string()
  .regex(/^[1-9]\d{0,5}[mhd]$/, 'expected a window such as "24h"')
  .transform((text) => Number(text.slice(0, -1)) * SECONDS_IN[text.slice(-1) as keyof typeof SECONDS_IN]); // The pattern holds the unit.

/** The same backwards, in the largest unit that fits; one day is `24h`. */
export const toCompletionWindow = (seconds: number): string => {
  if (seconds > SECONDS_IN.d && seconds % SECONDS_IN.d === 0) return `${seconds / SECONDS_IN.d}d`;
  if (seconds % SECONDS_IN.h === 0) return `${seconds / SECONDS_IN.h}h`;
  return `${Math.round(seconds / SECONDS_IN.m)}m`;
};

const MOST_PAIRS = 16;

const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= MOST_PAIRS, `expected at most ${MOST_PAIRS} pairs`)
  .describe('Labels of your own: at most 16, keys of at most 64 characters, texts of at most 512');

/** Body of a create. */
export const CreateBatchRequest = z
  .strictObject({
    input_file_id: z.string().describe('The file with the rows: one that was uploaded here, or any dataset'),
    endpoint: z.string().describe('What every row asks for; its `url` must be the same'),
    completion_window: CompletionWindow.describe(
      'How long it may take: `24h`, or another window within the limits of the server',
    ),
    metadata: Metadata.optional(),
    output_expires_after: z
      .strictObject({
        anchor: z.literal('created_at').describe('Counted from when the files are written'),
        seconds: Int32.pipe(z.number().min(3600).max(2_592_000)).describe('3600 (an hour) to 2592000 (30 days)'),
      })
      .optional()
      .describe('When its output and error files are deleted; without it they stay'),
    ask_identical_rows_once: z
      .boolean()
      .optional()
      .describe(
        "Of rows with the same request one is asked, and the others take its answer, whose usage is 0 in their lines. Default false. Not in OpenAI's API: published clients send it as a further field",
      ),
  })
  .meta({ id: 'CreateBatchRequest', description: 'A new batch' });
export type CreateBatchRequest = z.output<typeof CreateBatchRequest>;

/** Query of a list. */
export const ListBatchesQuery = z.object({
  after: z.string().optional().describe('The last batch of the page before'),
  limit: Int32.pipe(z.number().min(1).max(100)).optional().describe('Batches on a page, 1 to 100; 20 without it'),
});

const BATCH_STATUSES = [
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
] as const;
/** Where a batch is. */
export type BatchStatus = (typeof BATCH_STATUSES)[number];

const at = (description: string) => z.int().nullable().describe(`${description}, in seconds since 1970`);
const tokens = (description: string) => z.int().describe(description);

/** What is wrong with a batch, or with a line of its file. */
export const BatchError = z.object({
  code: z.string().describe('What is wrong, for programs; stable'),
  line: z.int().nullable().describe('Which line of the file, from 1; null when it is none alone'),
  message: z.string().describe('What is wrong, and what to do'),
  param: z.string().nullable().describe('The field of the row; null when it is none alone'),
});
export type BatchError = z.output<typeof BatchError>;

/** A batch as it is answered. */
export const Batch = z
  .object({
    id: z.string().describe('`batch_` and the id of the job'),
    object: z.literal('batch'),
    endpoint: z.string().describe('What its rows ask for; empty for a job whose rows each say themselves'),
    model: z.string().nullable().describe('The model that its rows name; null until they are read, and where they name several'),
    errors: z
      .object({ object: z.literal('list'), data: z.array(BatchError).describe('The first 1,000') })
      .nullable()
      .describe('Why it failed; null when it did not'),
    input_file_id: z.string().describe('The file with its rows'),
    completion_window: z.string().describe('How long it may take'),
    status: z.enum(BATCH_STATUSES).describe('Where it is'),
    output_file_id: z.string().nullable().describe('The file with the answers, once it has ended; null when no row has one'),
    error_file_id: z
      .string()
      .nullable()
      .describe('The file with all other rows, once it has ended; null when every row has its answer'),
    created_at: z.int().describe('When it was accepted, in seconds since 1970'),
    in_progress_at: at('When its file had been checked and was good'),
    expires_at: at('When its window closes'),
    finalizing_at: at('When its last row was done'),
    completed_at: at('When every row was tried and the files were written'),
    failed_at: at('When it failed'),
    expired_at: at('When it had expired and the files were written'),
    cancelling_at: at('When it was cancelled'),
    cancelled_at: at('When it had been cancelled and the files were written'),
    request_counts: z
      .object({
        total: z.int().describe('Its rows; 0 while it is validating'),
        completed: z.int().describe('Rows that have an answer'),
        failed: z.int().describe('Rows that have none; once it has ended, those too that never ran'),
      })
      .describe('Counts of rows, live'),
    usage: z
      .object({
        input_tokens: tokens('Tokens of the prompts'),
        input_tokens_details: z.object({ cached_tokens: tokens('How many of them came from a prompt cache') }),
        output_tokens: tokens('Tokens of the answers'),
        output_tokens_details: z.object({ reasoning_tokens: tokens('Not counted apart; always 0') }),
        total_tokens: tokens('Both together'),
      })
      .describe('What its rows have used, live'),
    metadata: z.record(z.string(), z.string()).nullable().describe('The labels that it was made with; null when there were none'),
  })
  .meta({ id: 'Batch', description: "A file's rows sent to their models" });
export type Batch = z.output<typeof Batch>;

/** A page of batches. */
export const BatchList = openAiList(Batch).meta({ id: 'BatchList', description: 'A page of batches, newest first' });
