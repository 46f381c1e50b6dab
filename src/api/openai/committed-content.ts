/**
 * The content of a file that a batch is still writing: its committed rows in OpenAI's shape, in the order of their commits. Headers say whether that is
 * all and with which `pageToken` to go on; who goes on gets the rest after the batch has ended, too, and each row once.
 */

import type { CommittedRows } from '../../actions/read-committed-rows.ts';
import { toPlain } from '../../actions/read-output-file.ts';
import { parseFileId } from '../../contract/openai/ids.ts';
import { findWriter } from '../../db/queries/find-writer.ts';
import { listAllDatasetFiles } from '../../db/queries/list-all-dataset-files.ts';
import type { Job } from '../../jobs/job.ts';
import { toOpenaiRow, UNFINISHED_FILE } from '../../jobs/openai-row.ts';
import { isFinal } from '../../jobs/states.ts';
import type { ApiContext } from '../api-context.ts';
import { sendResults } from '../send-results.ts';

/** A file that is asked for. */
export interface ContentCall {
  readonly context: ApiContext;
  readonly accountId: string;
  readonly fileId: string;
  /** Where to go on. */
  readonly pageToken: string | undefined;
}

/** Undefined when the file is whole and is asked for as a whole, or is no batch's. */
export async function sendCommittedContent({
  context,
  accountId,
  fileId,
  pageToken,
}: ContentCall): Promise<Response | undefined> {
  const asked = parseFileId(fileId);
  const job = asked && (await findWriter(context.store.db, accountId, asked.datasetId));
  if (job === undefined || (isFinal(job.state) && !pageToken)) return undefined;
  const kind = asked?.part === 'errors' ? 'errors' : 'answers';
  return sendResults(context, {
    job,
    kind,
    pageToken,
    contentType: 'application/octet-stream',
    shape: (rows) => inOpenaiShape(context, job, { rows, kind }),
  });
}

interface Shaped {
  readonly rows: CommittedRows;
  readonly kind: 'answers' | 'errors';
}

/** With the last errors come the rows that never ran. */
async function* inOpenaiShape(context: ApiContext, job: Job, { rows, kind }: Shaped): AsyncGenerator<Buffer> {
  for await (const line of rows.lines) yield toOpenaiRow(line, kind === 'answers' ? 'success' : 'failure', job.uid);
  if (kind === 'answers' || rows.next !== undefined) return;
  const files = await listAllDatasetFiles(context.store.db, job.accountId, job.outputDatasetId);
  const unfinished = files.find(({ name }) => name === UNFINISHED_FILE);
  if (unfinished === undefined) return;
  for await (const chunk of toPlain(context.objects, unfinished).read()) yield Buffer.from(chunk);
}
