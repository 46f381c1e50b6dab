/** Batch inference jobs on the wire. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { meaningOf, WIRE_JOB_STATES } from './job-state.ts';
import { Duration, Float, Int32, readOnly, Timestamp } from './json.ts';
import { Money } from './money.ts';

/** What a model can be served in. */
export const PRECISIONS = [
  'PRECISION_UNSPECIFIED',
  'FP16',
  'FP8',
  'FP8_MM',
  'FP8_AR',
  'FP8_MM_KV_ATTN',
  'FP8_KV',
  'FP8_MM_V2',
  'FP8_V2',
  'FP8_MM_KV_ATTN_V2',
  'NF4',
  'FP4',
  'BF16',
  'FP4_BLOCKSCALED_MM',
  'FP4_MX_MOE',
  // What GGUF files come in beside those, by llama.cpp's own names.
  ...(['F32', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q5_K_S', 'Q5_1', 'Q5_0', 'Q4_K_M', 'Q4_K_S', 'Q4_1', 'Q4_0'] as const),
  ...(['Q3_K_L', 'Q3_K_M', 'Q3_K_S', 'Q2_K', 'Q2_K_S', 'IQ4_NL', 'IQ4_XS', 'IQ3_M', 'IQ3_S', 'IQ3_XS', 'IQ3_XXS'] as const),
  ...(['IQ2_M', 'IQ2_S', 'IQ2_XS', 'IQ2_XXS', 'IQ1_M', 'IQ1_S', 'TQ1_0', 'TQ2_0'] as const),
] as const;
/** One of them. */
export type Precision = (typeof PRECISIONS)[number];

const EXTRA_BODY = 'A JSON object as a string: any further request fields; a field of its own above beats the same field in here';

/** Defaults that a job gives to its rows, as answered: only what was set, and always `extraBody`. */
const InferenceParameters = z
  .object({
    extraBody: z.string().describe(EXTRA_BODY),
    maxTokens: z.int32().optional().describe('Most tokens to generate for a row'),
    temperature: z.number().optional().describe('0 to 2'),
    topP: z.number().optional().describe('0 to 1'),
    topK: z.int32().optional().describe('0 to 100'),
    n: z.int32().optional().describe('Answers for a row, 1 to 128'),
  })
  .meta({ id: 'InferenceParameters', description: "Defaults for the rows; a row's own field wins" });

const InferenceParametersInput = z
  .strictObject({
    extraBody: z.string().optional().describe(EXTRA_BODY),
    maxTokens: Int32.pipe(z.number().min(1)).optional().describe('Most tokens to generate for a row, at least 1'),
    temperature: Float.pipe(z.number().min(0).max(2)).optional().describe('0 to 2'),
    topP: Float.pipe(z.number().min(0).max(1)).optional().describe('0 to 1'),
    topK: Int32.pipe(z.number().min(0).max(100)).optional().describe('0 to 100'),
    n: Int32.pipe(z.number().min(1).max(128)).optional().describe('Answers for a row, 1 to 128'),
  })
  .meta({ id: 'InferenceParametersInput', description: 'Defaults for the rows, as sent' });
export type InferenceParametersInput = z.output<typeof InferenceParametersInput>;

const count = (description: string) => z.int().describe(description);

/** Sums over the rows that are committed. */
export const JobProgress = z
  .object({
    percent: count('Processed rows of all rows in percent, rounded down; 100 only when the job has ended'),
    epoch: count('Not used by batch inference; always 0'),
    totalInputRequests: count('Rows of the job'),
    totalProcessedRequests: count('Rows that have an answer or an error'),
    successfullyProcessedRequests: count('Rows that have an answer'),
    failedRequests: count('Rows that have an error'),
    outputRows: count('Rows in the output files, both together'),
    inputTokens: count('Tokens of the prompts'),
    outputTokens: count('Tokens of the answers'),
    cachedInputTokenCount: count('How many of `inputTokens` came from a prompt cache'),
  })
  .meta({ id: 'JobProgress', description: 'How far a job is' });
export type JobProgress = z.output<typeof JobProgress>;

const Lifecycle = z
  .object({
    validatedTime: Timestamp.nullable().describe('When the input had been checked and was good'),
    runStartTime: Timestamp.nullable().describe('When the first rows were taken'),
    endTime: Timestamp.nullable().describe('When the job reached its final state'),
  })
  .meta({ id: 'JobLifecycle', description: 'The times of a job' });

const Placement = z
  .strictObject({
    multiRegion: z.string().optional().describe('Not kept'),
    region: z.string().optional().describe('Not kept'),
    regions: z.array(z.string()).optional().describe('Not kept'),
  })
  .meta({ id: 'Placement', description: 'Where to run; a server of your own is one place, so this is accepted and not kept' });

const OnInvalidRow = z
  .enum(['fail', 'skip'])
  .describe(
    'What a line that can not run does: `fail` ends the job before anything runs; `skip` makes it a failed row with code 400',
  );

const AskIdenticalRowsOnce = z
  .boolean()
  .describe(
    'True: of rows whose requests are the same but for `custom_id`, one is asked, and the others take its answer and cost no tokens',
  );

const whole = (description: string) => z.int().nullable().describe(description);

const JobForecast = z
  .object({
    basis: z
      .enum(['INPUT', 'HISTORY', 'ROWS'])
      .describe(
        'What it rests on: `INPUT`: the text of the rows alone\n`HISTORY`: that, and the latest completed job on the same model\n`ROWS`: rows of this job that are done',
      ),
    inputTokens: z.int().describe('Tokens of all prompts'),
    outputTokens: whole('Tokens of all answers; null while nothing tells'),
    maxOutputTokens: whole('Most that the answers can have; null where rows have no limit'),
    outputBytes: whole('Bytes of the output files; null while nothing tells'),
    endTime: Timestamp.nullable().describe('When the last row is done, at the present pace; null while there is none'),
    late: z.boolean().describe('True when that is after `expireTime`'),
    cost: Money.nullable().describe(
      'What it would be billed at batch prices; null without prices, or while tokens are not known',
    ),
  })
  .meta({ id: 'JobForecast', description: 'What a job will take, what is done included: an estimate, better as rows finish' });

/** A job as it is answered. */
export const BatchInferenceJob = z
  .object({
    name: z.string().describe('`accounts/{account}/batchInferenceJobs/{id}`'),
    displayName: z.string().describe('Label for people'),
    createdBy: z.string().describe('Who started it'),
    createTime: Timestamp.describe('When it was accepted'),
    updateTime: Timestamp.describe('When it last changed'),
    expireTime: Timestamp.describe('When its window closes: acceptance plus window'),
    maxJobDuration: z.string().nullable().meta({ format: 'duration', description: 'The window, when the request gave one' }),
    state: z.enum(WIRE_JOB_STATES).describe(WIRE_JOB_STATES.map((state) => `\`${state}\`: ${meaningOf(state)}`).join('\n')),
    status: Status,
    model: z.string().describe('Full name of the model'),
    inputDatasetId: z.string().describe('Full name of the dataset whose rows it answers'),
    outputDatasetId: z.string().describe('Full name of the dataset it writes; there once results are written'),
    inferenceParameters: InferenceParameters,
    precision: z.enum(PRECISIONS).describe('Precision the model is served in'),
    systemPrompt: z.string().describe('Put in front of rows that have no system message of their own'),
    continuedFromJobName: z.string().describe('The job whose unanswered rows it runs; empty when none'),
    jobProgress: JobProgress.nullable().describe('Null until the input has been checked'),
    lifecycle: Lifecycle.nullable().describe('Null until the first of its times is known'),
    placement: z.null().describe('Always null: a server of your own is one place'),
    waitingOnCapacity: z.boolean().describe('True while it waits for engines and will go on by itself'),
    onInvalidRow: OnInvalidRow,
    askIdenticalRowsOnce: AskIdenticalRowsOnce,
    forecast: JobForecast.nullable().describe('Null until the input has been checked, and once the job has ended'),
    stateReason: z.string().describe('Why it is where it is, in a sentence for people'),
  })
  .meta({ id: 'BatchInferenceJob', description: "A dataset's rows sent to a model" });
export type BatchInferenceJob = z.output<typeof BatchInferenceJob>;

/** Body of a create. */
export const CreateJobRequest = z
  .strictObject({
    displayName: z.string().max(63).optional().describe('Label for people, fewer than 64 characters'),
    model: z.string().optional().describe('Full name or bare id of the model; a bare id means one of yours, then a public one'),
    inputDatasetId: z.string().optional().describe('Full name or bare id of a dataset that is READY'),
    outputDatasetId: z.string().optional().describe('Full name or bare id of the dataset to write; made up when absent'),
    inferenceParameters: InferenceParametersInput.optional(),
    precision: z.enum(PRECISIONS).optional().describe("Refused when it isn't the precision that the model is served in"),
    systemPrompt: z.string().optional().describe('Put in front of rows that have no system message of their own'),
    continuedFromJobName: z
      .string()
      .optional()
      .describe('A job that has ended, whose unanswered rows this one runs; its input, and what is left out here, are inherited'),
    maxJobDuration: Duration.optional().describe('The window: how long the job may take, from acceptance on'),
    placement: Placement.optional(),
    onInvalidRow: OnInvalidRow.optional(),
    askIdenticalRowsOnce: AskIdenticalRowsOnce.optional(),
    ...readOnly('name', 'createTime', 'updateTime', 'createdBy', 'state', 'status'),
    ...readOnly('jobProgress', 'expireTime', 'lifecycle', 'waitingOnCapacity', 'stateReason', 'forecast'),
  })
  .meta({
    id: 'CreateBatchInferenceJobRequest',
    description: 'A new job',
    examples: [{ model: 'tickets', inputDatasetId: 'my-rows', outputDatasetId: 'my-answers' }],
  });
export type CreateJobRequest = z.output<typeof CreateJobRequest>;

/** Query parameters of a create. */
export const CreateJobQuery = z.object({
  batchInferenceJobId: z
    .string()
    .optional()
    .describe("The new job's id; made up when absent. Choosing one makes a retry harmless"),
});

/** Reply of `:getValidationReport`. */
export const ValidationReport = z
  .object({
    file: z.string().describe('The input file, or the dataset when it has several'),
    count: z.int().describe('How many lines are bad'),
    badLines: z
      .array(
        z.object({
          file: z.string().optional().describe('Which file, when there are several'),
          line: z.int().describe('From 1, blank lines counted'),
          column: z.int().optional().describe('In characters, from 1; absent when the whole line is meant'),
          reason: z.string().describe('What is wrong, for programs; stable'),
          message: z.string().describe('What is wrong, in words'),
          remedy: z.string().describe('What to do about it'),
        }),
      )
      .describe('The first of them, at most 1,000'),
  })
  .meta({ id: 'ValidationReport', description: 'The lines of a job’s input that can not run' });
export type ValidationReport = z.output<typeof ValidationReport>;

/** Reply of `:events`. */
export const JobEvents = z
  .object({
    events: z
      .array(
        z.object({
          time: Timestamp.describe('When it happened'),
          kind: z
            .string()
            .describe(
              'What happened, for programs: `state-moved`, `paused`, `resumed`, `engine-lost`, `engine-back`, `context-at-risk`, `deadline-at-risk`, `output-limit-at-risk`, `prefix-order`, `prefix-gain`, `rows-copied`, `rows-hedged`, `trouble`',
            ),
          message: z.string().describe('What happened, in words'),
          details: z.record(z.string(), z.unknown()).describe('Further facts'),
        }),
      )
      .describe('Oldest first'),
  })
  .meta({ id: 'JobEvents', description: 'What happened to a job, oldest first; the latest 1,000' });
