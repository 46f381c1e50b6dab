/**
 * The client: fetch only, so it runs in Node, in browsers and everywhere else.
 *
 *     import { makeClient } from 'boatload/client';
 *
 *     const client = makeClient({ baseUrl: 'http://127.0.0.1:8080', apiKey });
 *     await client.uploadDataset({ datasetId: 'in-01' }, [{ name: 'in.jsonl', content: await openAsBlob('in.jsonl') }]);
 *     const { name } = await client.jobs.create({ model: 'tickets', inputDatasetId: 'in-01', outputDatasetId: 'out-01' });
 *     await client.waitForJob(name, { onProgress: ({ jobProgress }) => console.log(jobProgress?.percent) });
 *     await client.downloadDataset('out-01', ({ name }) => Writable.toWeb(createWriteStream(name)));
 *
 * Whatever the server refuses, and whatever keeps a call from its answer, is an `ApiError`: tell kinds by its `code`, causes by its `reason`.
 */
import { type AuditLogs, makeAuditLogs } from './audit-logs.ts';
import { type Billing, makeBilling } from './billing.ts';
import { type Datasets, makeDatasets } from './datasets.ts';
import { type Engines, makeEngines } from './engines.ts';
import { type Jobs, makeJobs } from './jobs.ts';
import { type DeployedModels, type Models, makeDeployedModels, makeModels } from './models.ts';
import {
  type Accounts,
  type ApiKeys,
  makeAccounts,
  makeApiKeys,
  makeQuotas,
  makeUsers,
  type Quotas,
  type Users,
} from './people.ts';
import { type ClientOptions, makeTransport } from './transport.ts';
import { makeWebhooks, type Webhooks } from './webhooks.ts';
import { makeWholeTasks, type WholeTasks } from './whole-tasks.ts';

/** A server, with a key to it. */
export interface Client extends WholeTasks {
  readonly jobs: Jobs;
  readonly datasets: Datasets;
  readonly models: Models;
  readonly deployedModels: DeployedModels;
  readonly engines: Engines;
  readonly accounts: Accounts;
  readonly users: Users;
  readonly apiKeys: ApiKeys;
  readonly quotas: Quotas;
  readonly billing: Billing;
  readonly auditLogs: AuditLogs;
  readonly webhooks: Webhooks;
}

/** Makes a client; nothing is asked yet. */
export function makeClient(options: ClientOptions): Client {
  const transport = makeTransport(options);
  const jobs = makeJobs(transport);
  const datasets = makeDatasets(transport);
  return {
    jobs,
    datasets,
    models: makeModels(transport),
    deployedModels: makeDeployedModels(transport),
    engines: makeEngines(transport),
    accounts: makeAccounts(transport),
    users: makeUsers(transport),
    apiKeys: makeApiKeys(transport),
    quotas: makeQuotas(transport),
    billing: makeBilling(transport),
    auditLogs: makeAuditLogs(transport),
    webhooks: makeWebhooks(transport),
    ...makeWholeTasks({ datasets, jobs }),
  };
}

export type { Dataset } from '../contract/dataset.ts';
export type { BatchInferenceJob } from '../contract/job.ts';
export type { Model } from '../contract/model.ts';
export type { NewDataset } from './datasets.ts';
export type { RemoteFile } from './download.ts';
export { ApiError } from './errors.ts';
export type { CreateJobOptions, NewJob } from './jobs.ts';
export type { Listing, ListOptions, Page } from './pages.ts';
export type { AnsweredRow, FailedRow, ResultRow, Results, ResultsOptions, ResultsPage } from './results.ts';
export type { Transfer } from './transfer.ts';
export type { CallOptions, ClientOptions, CreateOptions } from './transport.ts';
export type { UploadFile, UploadOptions } from './upload.ts';
export type { WaitOptions } from './wait.ts';
export type { DownloadOptions, ToSink } from './whole-tasks.ts';
