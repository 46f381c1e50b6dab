/** The client can do whatever the API offers. */
import { expect, test } from 'vitest';
import { type Client, makeClient } from '../../src/client/client.ts';
import { openDoor } from '../api/door.ts';

/** What the client leaves to others: links are in its hands only as it is given them, and OpenAI's dialect has a client of its own. */
const isLeftOut = (tag: string): boolean => tag === 'Signed links' || tag === 'Server' || tag.startsWith('OpenAI');

/** Every operation of the document as `GET /v1/accounts/{}/datasets`. */
async function listOperations(): Promise<readonly string[]> {
  const door = await openDoor();
  type Operations = Readonly<Record<string, { readonly tags: readonly string[] }>>;
  const { paths } = (await (await door.ask('/openapi.json')).json()) as { paths: Readonly<Record<string, Operations>> };
  await door.close();
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { tags }]) => !tags.some(isLeftOut))
      .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/{\w+}/g, '{}')}`),
  );
}

/** Replies that every call can live with, and what was asked for, with `x` for every id. */
function record(hasLinks: boolean) {
  const asked = new Set<string>();
  const reply = {
    filenameToSignedUrls: { x: 'http://server.test/link' },
    warnings: [],
    events: [],
    state: 'JOB_STATE_COMPLETED',
  };
  const answer: typeof fetch = async (url, { method } = {}) => {
    const { pathname } = new URL(String(url));
    asked.add(`${method} ${pathname.replaceAll(/\/x(?=[/:]|$)/g, '/{}')}`);
    return !hasLinks && pathname.includes('getUploadEndpoint') ? new Response('', { status: 405 }) : Response.json(reply);
  };
  return { asked, client: makeClient({ baseUrl: 'http://server.test', apiKey: 'k', accountId: 'x', fetch: answer }) };
}

/** To the end. */
const walk = (list: AsyncIterable<unknown>): Promise<unknown> => Array.fromAsync(list);

const FILES = [{ name: 'x', content: new Blob(['x']) }];

/** One call for every operation. */
const CALLS: readonly ((client: Client) => unknown)[] = [
  ({ datasets, jobs, models, deployedModels, engines, users, quotas, webhooks }) =>
    Promise.all(
      [datasets, jobs, models, deployedModels, engines, users, quotas, webhooks].flatMap((resource) => [
        resource.get('x'),
        walk(resource.list()),
        'update' in resource && resource.update('x', {}),
        'delete' in resource && resource.delete('x'),
      ]),
    ),
  ({ datasets }) => datasets.create({ datasetId: 'x' }),
  ({ datasets }) => datasets.upload('x', FILES),
  ({ datasets }) => datasets.files('x'),
  ({ datasets }) => datasets.split('x', { chunkSize: 200 }),
  ({ datasets }) => walk(datasets.rows('x')),
  ({ jobs }) => jobs.create({ model: 'x', inputDatasetId: 'x' }),
  ({ jobs }) => Promise.all([jobs.cancel('x'), jobs.pause('x'), jobs.resume('x')]),
  ({ jobs }) =>
    Promise.all([jobs.events('x'), jobs.validationReport('x'), jobs.results('x').pages()[Symbol.asyncIterator]().next()]),
  ({ models }) => models.create({ modelId: 'x', model: {} }),
  ({ models }) => models.upload('x', FILES),
  ({ models }) => models.files('x'),
  ({ models }) => Promise.all([models.pull({ source: 'x' }), models.catalogue()]),
  ({ models }) => Promise.all([models.prepare('x'), models.import('x', {}), models.validateConfig({ configJson: '{}' })]),
  ({ models }) => models.load({ model: 'x' }),
  ({ engines }) => engines.create({ url: 'x' }),
  ({ engines }) => Promise.all([engines.drain('x'), engines.resume('x'), engines.test('x')]),
  ({ accounts }) => Promise.all([accounts.get(), walk(accounts.list())]),
  ({ users }) => users.create({ email: 'x' }),
  ({ apiKeys }) => Promise.all([apiKeys.create('x'), walk(apiKeys.list('x')), apiKeys.delete('x', 'x')]),
  ({ billing }) => billing.usage({ startTime: '', endTime: '' }),
  ({ billing }) => billing.summary({ startTime: '', endTime: '' }),
  ({ auditLogs }) => walk(auditLogs.list()),
  ({ webhooks }) => webhooks.create({ url: 'x' }),
  ({ webhooks }) => Promise.all([webhooks.test('x'), webhooks.rotateSecret('x'), walk(webhooks.deliveries('x'))]),
];

test('every operation of the Fireworks dialect has a method, and no method asks for anything else', async () => {
  const [withLinks, without] = [record(true), record(false)];
  for (const call of CALLS) await call(withLinks.client);
  await without.client.datasets.upload('x', FILES);
  const asked = new Set([...withLinks.asked, ...without.asked]);
  asked.delete('PUT /link');
  const operations = await listOperations();
  expect(operations.length).toBeGreaterThan(50);
  expect([...asked].toSorted()).toEqual(operations.toSorted());
});
