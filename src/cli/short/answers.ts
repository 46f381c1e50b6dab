/** The answers of a job as rows, and as files. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Problem } from '../../base/problem.ts';
import type { Client } from '../../client/client.ts';
import type { RemoteFile } from '../../client/download.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import { scanObject } from '../../jsonl/scan-object.ts';
import { LineSplitter, splitLines } from '../../jsonl/split-lines.ts';
import { formatRows } from '../figures.ts';
import type { Host } from '../host.ts';
import { saveFile } from '../save-file.ts';
import { openScreen } from '../screen.ts';
import { withTransferBar } from '../transfer-bar.ts';
import { errorsPathOf } from './output-path.ts';

/** The server's names of the files of a job. */
const FILES = { answers: 'BIJOutputSet.jsonl', failures: 'error-data', merged: 'merged.jsonl' } as const;

const LINE_END = Buffer.from('\n');

/** A line of an output file, as it came. */
export interface AnswerRow {
  readonly kind: 'answer' | 'failure';
  readonly line: Buffer;
}

/** Every row of the job, and of those that it continues, once. */
export async function* readRows(client: Client, job: BatchInferenceJob): AsyncGenerator<AnswerRow> {
  for (const file of await findFiles(client, job)) for await (const line of readLines(file)) yield toAnswerRow(line);
}

/** What a line of results is. */
export const toAnswerRow = (line: Buffer): AnswerRow => ({
  kind: scanObject(line)?.has('error') === true ? 'failure' : 'answer',
  line,
});

/** Saves answers at a path, `-` is stdout, and failures beside it; says what came. */
export async function saveAnswers(
  client: Client,
  job: BatchInferenceJob,
  { host, path }: { readonly host: Host; readonly path: string },
): Promise<void> {
  const files = await findFiles(client, job);
  const isMerged = files.some(({ name }) => name === FILES.merged);
  const errors = errorsPathOf(path);
  if (!isMerged && errors !== undefined) await saveWhole(files, { host, path, errors });
  else await saveRows(readRows(client, job), { host, path, errors });
  await sayWhatCame(job, { host, path, errors });
}

interface Target {
  readonly host: Host;
  readonly path: string;
  readonly errors: string | undefined;
}

/** A job on its own has its two files ready; a download of them that breaks off goes on. */
async function saveWhole(
  files: readonly RemoteFile[],
  { host, path, errors }: Target & { readonly errors: string },
): Promise<void> {
  for (const file of files) {
    const target = file.name === FILES.failures ? errors : path;
    if (file.name === FILES.failures && (await file.head()).bytes === 0) await rm(errors, { force: true });
    else
      await withTransferBar({ host, quiet: false, what: `↓ ${file.name}` }, (onProgress) => saveFile(file, target, onProgress));
  }
}

/** A chain, or a job that runs, comes as one stream, and is parted here. */
export async function saveRows(rows: AsyncIterable<AnswerRow>, { host, path, errors }: Target): Promise<void> {
  const part = (target: string) => `${target}.part`;
  const answers = path === '-' ? host.stdout : createWriteStream(part(path));
  const failures = errors === undefined ? undefined : createWriteStream(part(errors));
  let failed = 0;
  for await (const { kind, line } of rows) {
    if (kind === 'failure') failed += 1;
    const out = kind === 'answer' ? answers : failures;
    if (out !== undefined && !(await write(out, line))) return;
  }
  if (path !== '-') await closeAs(answers, part(path), path);
  if (failures === undefined || errors === undefined) return;
  await closeAs(failures, part(errors), errors);
  if (failed === 0) await rm(errors);
}

/** False when nobody reads any more: `| head` has seen enough. */
async function write(out: Writable, line: Buffer): Promise<boolean> {
  if (out.write(Buffer.concat([line, LINE_END]))) return true;
  try {
    await once(out, 'drain');
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EPIPE') return false;
    throw cause;
  }
}

async function closeAs(out: Writable, from: string, to: string): Promise<void> {
  out.end();
  await finished(out);
  await rename(from, to);
}

async function sayWhatCame(
  { jobProgress, continuedFromJobName }: BatchInferenceJob,
  { host, path, errors }: Target,
): Promise<void> {
  if (path === '-' || continuedFromJobName !== '') return;
  const screen = await openScreen(host);
  screen.line(`  ${path}  ${formatRows(jobProgress?.successfullyProcessedRequests ?? 0)}`);
  if ((jobProgress?.failedRequests ?? 0) > 0) screen.line(`  ${errors}  ${formatRows(jobProgress?.failedRequests ?? 0)}`);
}

/** The merged file of a chain, or the two files of a job that stands alone. */
async function findFiles(client: Client, job: BatchInferenceJob): Promise<readonly RemoteFile[]> {
  const merged = job.continuedFromJobName !== '';
  try {
    return await client.datasets.files(job.outputDatasetId, { merged });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'NOT_FOUND') throw error;
    throw new Problem('FAILED_PRECONDITION', `Job ${job.name} has no results: it is ${job.state}. ${job.status.message}`.trim(), {
      reason: 'NO_RESULTS',
      cause: error,
    });
  }
}

async function* readLines(file: RemoteFile): AsyncGenerator<Buffer> {
  const splitter = new LineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER });
  for await (const lines of splitLines(toBuffers(file.read()), splitter)) for (const { bytes } of lines) yield bytes;
}

async function* toBuffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
