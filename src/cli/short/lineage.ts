/** `boatload lineage`: the jobs that continue each other, and how much of the input they have answered together. */
import { Problem } from '../../base/problem.ts';
import type { Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import type { ConnectionFlags } from '../connection.ts';
import { formatCount, formatRows, formatShare } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import { type Column, printTable } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { stateOf } from './follow.ts';

/** A job among those that continue the same first one. */
interface Link {
  readonly job: BatchInferenceJob;
  /** 0 for the first. */
  readonly depth: number;
}

/** Prints all jobs of the lineage, and the coverage of the path through the one that was named. */
export async function lineage(name: string, flags: ConnectionFlags & { readonly json?: true }, host: Host): Promise<void> {
  await withSession(host, flags, async ({ client }) => {
    const named = await findJob(client, name);
    const ancestors = await findAncestors(client, named);
    const links = await findFrom(client, ancestors[0] ?? named, 0);
    const path = [...ancestors, named, ...newestBranch(links, named)];
    const coverage = toCoverage(path);
    if (flags.json)
      host.stdout.write(
        `${JSON.stringify({ jobs: links.map(({ job }) => job), path: path.map((job) => job.name), ...coverage })}\n`,
      );
    else {
      printTable(host.stdout, links, COLUMNS);
      host.stdout.write(`${coverageText(coverage, path.at(-1) ?? named)}\n`);
    }
  });
}

const countsOf = ({ jobProgress }: BatchInferenceJob) => ({
  ok: jobProgress?.successfullyProcessedRequests ?? 0,
  failed: jobProgress?.failedRequests ?? 0,
  total: jobProgress?.totalInputRequests ?? 0,
});

const COLUMNS: readonly Column<Link>[] = [
  ['JOB', ({ job, depth }) => `${depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ `}${idOf(job.name)}`],
  ['STATE', ({ job }) => stateOf(job)],
  ['ROWS', ({ job }) => formatCount(countsOf(job).total)],
  ['ANSWERED', ({ job }) => formatCount(countsOf(job).ok)],
  ['FAILED', ({ job }) => formatCount(countsOf(job).failed)],
  ['MODEL', ({ job }) => idOf(job.model)],
  ['OUTPUT DATASET', ({ job }) => idOf(job.outputDatasetId)],
];

/** The job by this name, or the one that wrote the dataset by this name. */
async function findJob(client: Client, name: string): Promise<BatchInferenceJob> {
  try {
    return await client.jobs.get(name);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'NOT_FOUND') throw error;
    const dataset = await client.datasets.get(name).catch(() => undefined);
    if (dataset === undefined)
      throw new Problem('NOT_FOUND', `No job and no dataset is called "${name}".`, { reason: 'NOT_FOUND', cause: error });
    if (dataset.sourceJobName === '') throw uploaded(name);
    return client.jobs.get(dataset.sourceJobName);
  }
}

/** Oldest first. One that was deleted ends the chain. */
async function findAncestors(client: Client, job: BatchInferenceJob): Promise<readonly BatchInferenceJob[]> {
  if (job.continuedFromJobName === '') return [];
  const parent = await client.jobs.get(job.continuedFromJobName).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
  return parent === undefined ? [] : [...(await findAncestors(client, parent)), parent];
}

/** A job and all that continue it, depth first, older ones before newer ones. */
async function findFrom(client: Client, job: BatchInferenceJob, depth: number): Promise<readonly Link[]> {
  const links: Link[] = [{ job, depth }];
  const children = client.jobs.list({ filter: `continuedFromJobName = "${job.name}"`, orderBy: 'create_time' });
  for await (const child of children) links.push(...(await findFrom(client, child, depth + 1)));
  return links;
}

/** From a job on, always the newest of those that continue the one before. */
function newestBranch(links: readonly Link[], from: BatchInferenceJob): readonly BatchInferenceJob[] {
  const next = links.findLast(({ job }) => job.continuedFromJobName === from.name)?.job;
  return next === undefined ? [] : [next, ...newestBranch(links, next)];
}

interface Coverage {
  readonly rows: number;
  readonly answered: number;
}

/** No row of a chain is answered twice, so the answers add up; the first job has all rows. */
const toCoverage = (path: readonly BatchInferenceJob[]): Coverage => ({
  rows: path[0] === undefined ? 0 : countsOf(path[0]).total,
  answered: path.reduce((sum, job) => sum + countsOf(job).ok, 0),
});

function coverageText({ rows, answered }: Coverage, last: BatchInferenceJob): string {
  const share = `answered ${formatCount(answered)} of ${formatRows(rows)} (${formatShare(answered, rows)})`;
  return answered < rows ? `${share}; the rest:  boatload retry ${idOf(last.name)}` : share;
}

const uploaded = (name: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${name}" was uploaded: no job has written it, so it has no lineage.`, {
    reason: 'NO_LINEAGE',
  });
