/** `boatload submit`: a file becomes a dataset, and a job runs on it. */
import { basename } from 'node:path';
import type { JobSettings } from '../../jobs/job.ts';
import type { ConnectionFlags } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { formatBytes, formatRows } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { findFiles, isRowFile } from '../local-files.ts';
import { openScreen } from '../screen.ts';
import { withSession } from '../session.ts';
import { toJobSettings } from '../setting-flags.ts';
import { countRows, uploadDataset } from '../upload-dataset.ts';
import { type FollowFlags, follow } from './follow.ts';
import { checkIsFree } from './output-path.ts';

/** Its flags as they were given. */
export interface SubmitFlags extends JobSettings, FollowFlags, ConnectionFlags {
  readonly model: string;
  readonly name?: string;
  readonly skipInvalid?: true;
}

/** Uploads, starts, says how to go on (or follows), and answers the exit code. The job's id is on stdout. */
export async function submit(path: string, flags: SubmitFlags, host: Host): Promise<number> {
  checkIsFree(flags);
  const files = await findFiles(path, isRowFile);
  const rows = await countRows(files);
  const id = flags.name ?? makeName(path);
  const screen = await openScreen(host);
  const done = (text: string) => screen.line(`${screen.colors.green('✓')} ${text}`);
  return withSession(host, flags, async ({ client }) => {
    const dataset = { datasetId: id, dataset: { userUploaded: {}, exampleCount: String(rows) } };
    await uploadDataset(client, { host, quiet: false, dataset, files });
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    done(`${basename(path)} → dataset ${id}  ${formatRows(rows)} · ${formatBytes(bytes)}`);
    const outputDatasetId = `${id.slice(0, 55)}-answers`;
    const wish = { model: flags.model, inputDatasetId: id, outputDatasetId, ...toJobSettings(flags) };
    const job = await client.jobs
      .create({ ...wish, ...(flags.skipInvalid && { onInvalidRow: 'skip' }) }, { id })
      .catch(async (error: unknown) => {
        // A job that could not begin leaves nothing behind.
        await client.datasets.delete(id);
        throw error;
      });
    done(`job ${id} on ${idOf(job.model)}`);
    if (flags.output !== '-') host.stdout.write(`${id}\n`);
    if (flags.wait || flags.output !== undefined) return follow(client, job.name, { host, flags });
    screen.line(`  watch it:  boatload watch ${id}`);
    screen.line(`  answers:   boatload results ${id} -o ${id}.answers.jsonl`);
    return EXIT.ok;
  });
}

/** `My prompts (2).jsonl` → `my-prompts-2-x7k2`: the file, and something that tells two submits of it apart. */
function makeName(path: string): string {
  const word = basename(path)
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
  const mark = Array.from({ length: 4 }, () => Math.floor(Math.random() * 36).toString(36)).join('');
  return `${word || 'rows'}-${mark}`;
}
