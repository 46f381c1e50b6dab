/** `batch-inference-job`: its rows in the table of operations. */
import type { BatchInferenceJob } from '../../contract/job.ts';
import { someText } from '../flags.ts';
import { DRY_RUN, OUTPUT } from './common-flags.ts';
import { idOf } from './message.ts';
import type { Flag, Noun, Operation } from './operation.ts';
import { deleteRow, getRow, idArgument, type Kind, listRow } from './standard.ts';
import { durationMs, float32, int32, jsonText, wireDuration } from './values.ts';

const flags: readonly Flag[] = [
  { flags: '--job-id <id>', about: 'id of the job (default: made up)', parse: someText, field: 'name' },
  { flags: '--display-name <name>', about: 'label for people', parse: someText, field: 'displayName' },
  { flags: '-m, --model <model>', about: 'model to run', parse: someText, field: 'model', completes: 'models' },
  {
    flags: '-d, --input-dataset-id <id>',
    about: 'dataset with the rows',
    parse: someText,
    field: 'inputDatasetId',
    completes: 'datasets',
  },
  {
    flags: '-x, --output-dataset-id <id>',
    about: 'dataset for the answers (default: made up)',
    parse: someText,
    field: 'outputDatasetId',
  },
  {
    flags: '--continue-from <job>',
    about: 'a job whose unfinished and failed rows are run',
    parse: someText,
    field: 'continuedFromJobName',
    completes: 'jobs',
  },
  { flags: '--max-tokens <n>', about: 'most tokens of an answer', parse: int32, field: 'inferenceParameters.maxTokens' },
  { flags: '--temperature <t>', about: '0 to 2', parse: float32, field: 'inferenceParameters.temperature' },
  { flags: '--top-p <p>', about: '0 to 1', parse: float32, field: 'inferenceParameters.topP' },
  { flags: '--top-k <k>', about: '0 to 100', parse: int32, field: 'inferenceParameters.topK' },
  { flags: '--n <n>', about: 'answers per row', parse: int32, field: 'inferenceParameters.n' },
  {
    flags: '--extra-body <json>',
    about: 'further request fields, as a JSON object',
    parse: jsonText,
    field: 'inferenceParameters.extraBody',
  },
  { flags: '--precision <precision>', about: 'serving precision (default: by model)', parse: someText, field: 'precision' },
  {
    flags: '--system-prompt <text>',
    about: "for rows that don't begin with a system message",
    parse: someText,
    field: 'systemPrompt',
  },
  {
    flags: '--max-job-duration <duration>',
    about: 'the window, like 48h (default: 24h)',
    parse: wireDuration,
    field: 'maxJobDuration',
  },
  {
    flags: '--on-invalid-row <fail|skip>',
    about: 'a bad line fails the whole job, or is skipped (default: fail)',
    choices: ['fail', 'skip'],
    field: 'onInvalidRow',
  },
  {
    flags: '--ask-identical-rows-once',
    about: 'ask one of the rows whose requests are the same, for all',
    field: 'askIdenticalRowsOnce',
  },
];

/** Answered rows of all rows. */
const progressOf = ({ jobProgress }: BatchInferenceJob): string =>
  jobProgress === null ? '' : `${jobProgress.totalProcessedRequests}/${jobProgress.totalInputRequests} (${jobProgress.percent}%)`;

const kind: Kind<BatchInferenceJob> = {
  noun: 'batch-inference-job',
  words: 'batch inference job',
  collection: 'jobs',
  completes: 'jobs',
  flags,
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['STATE', ({ state }) => state],
    ['MODEL', ({ model }) => idOf(model)],
    ['INPUT DATASET', ({ inputDatasetId }) => idOf(inputDatasetId)],
    ['OUTPUT DATASET', ({ outputDatasetId }) => idOf(outputDatasetId)],
    ['PROGRESS', progressOf],
    ['CREATE TIME', ({ createTime }) => createTime],
  ],
};

/** `cancel`, `pause` and `resume` are ours, so nobody knows them verb first; they print the job as it is then. */
const moveRow = (verb: 'cancel' | 'pause' | 'resume', summary: string): Operation => ({
  verb,
  older: [],
  summary,
  args: [idArgument(kind)],
  flags: [OUTPUT, DRY_RUN],
  examples: [`batch-inference-job ${verb} my-job`],
  run: async (call) => (await import('./run-jobs.ts')).moveJob(call, { kind, verb }),
});

/** `firectl batch-inference-job …`. */
export const jobs: Noun = {
  name: 'batch-inference-job',
  plural: 'batch-inference-jobs',
  aliases: ['bij'],
  about: 'answer the rows of a dataset',
  operations: [
    {
      verb: 'create',
      summary: 'start a batch inference job',
      args: [],
      flags: [
        ...flags,
        { flags: '--quiet', about: 'print errors only' },
        { flags: '--wait', about: 'wait until it has ended; fails when it did not complete' },
        { flags: '--wait-timeout <duration>', about: 'how long to wait (default: as long as it takes)', parse: durationMs },
        OUTPUT,
        DRY_RUN,
      ],
      examples: [
        'batch-inference-job create --model my-model --input-dataset-id my-prompts',
        'batch-inference-job create -m my-model -d my-prompts -x my-answers --max-tokens 256 --wait',
        'batch-inference-job create --continue-from my-job --output-dataset-id my-other-answers',
      ],
      run: async (call) => (await import('./run-jobs.ts')).createJob(call, kind),
    },
    getRow(kind),
    listRow(kind),
    deleteRow(kind),
    moveRow('cancel', 'stop a job; its finished rows are kept'),
    moveRow('pause', 'let a job wait until it is resumed; its window goes on'),
    moveRow('resume', 'let a paused job go on'),
  ],
};
