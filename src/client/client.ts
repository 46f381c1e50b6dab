/**
 * The client: fetch only, so it runs in Node, in browsers and everywhere else.
 *
 *     const client = makeClient({ baseUrl: 'http://127.0.0.1:8080', apiKey });
 *     await client.datasets.create({ datasetId: 'in-01' });
 *     await client.datasets.upload('in-01', [{ name: 'in.jsonl', content: await openAsBlob('in.jsonl') }]);
 *     const { name } = await client.jobs.create({ model: 'tickets', inputDatasetId: 'in-01', outputDatasetId: 'out-01' });
 *     await client.jobs.waitFor(name);
 *     for (const file of await client.datasets.files('out-01')) for await (const bytes of file.read()) …
 */
import { type Billing, makeBilling } from './billing.ts';
import { type Datasets, makeDatasets } from './datasets.ts';
import { type Jobs, makeJobs } from './jobs.ts';
import { type Models, makeModels } from './models.ts';
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

/** A server, with a key to it. */
export interface Client {
  readonly jobs: Jobs;
  readonly datasets: Datasets;
  readonly models: Models;
  readonly accounts: Accounts;
  readonly users: Users;
  readonly apiKeys: ApiKeys;
  readonly quotas: Quotas;
  readonly billing: Billing;
}

/** Makes a client; nothing is asked yet. */
export function makeClient(options: ClientOptions): Client {
  const transport = makeTransport(options);
  return {
    jobs: makeJobs(transport),
    datasets: makeDatasets(transport),
    models: makeModels(transport),
    accounts: makeAccounts(transport),
    users: makeUsers(transport),
    apiKeys: makeApiKeys(transport),
    quotas: makeQuotas(transport),
    billing: makeBilling(transport),
  };
}
