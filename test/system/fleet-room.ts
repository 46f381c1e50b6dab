/** A fleet of processes with an engine of its own: what the tests of fleets share. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { boatload, type Program, startBoatload } from '../support/program.ts';
import { makeRows, type OutputLine, parseLines } from '../support/rows.ts';

export interface FleetOptions {
  readonly database: string;
  /** Default a folder. */
  readonly objects?: string;
  readonly engine?: HttpEngineOptions;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Fleet {
  readonly engine: HttpEngine;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The API process that is asked. */
  readonly api: Program & { readonly url: string };
  start(command: 'serve' | 'worker', options?: StartOptions): Promise<Program & { readonly url: string | null }>;
  /** Asks the API below the account. */
  ask(method: string, path: string, body?: object): Promise<Response>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Opens the tables, an engine and one API process; to be called inside a test. */
export async function openFleet({ database, objects, engine: engineOptions, env: more }: FleetOptions): Promise<Fleet> {
  const cwd = await makeFolder();
  const engine = await startHttpEngine({ latency: [20, 60], ...engineOptions });
  onTestFinished(() => engine.close());
  const env = {
    DATABASE_URL: database,
    OBJECT_STORE: objects ?? `file:${join(cwd, 'objects')}`,
    BOATLOAD_SECRET: 'the same text for all of the fleet',
    BOATLOAD_DATA_DIR: join(cwd, 'data'),
    ...more,
  };
  const migrated = await boatload(['migrate', '--account', 'acme', '--json'], { cwd, env });
  const { apiKey } = JSON.parse(migrated.stdout);
  const start: Fleet['start'] = async (command, options = {}) => {
    const args = [command, '--json', '--engine', engine.url, ...(options.args ?? [])];
    const program = startBoatload(args, { cwd, env: { ...env, ...options.env } });
    const [line] = await program.says(/^\{"url".*$/m);
    return Object.assign(program, { url: JSON.parse(line).url as string | null });
  };
  const api = await start('serve');
  const url = api.url ?? '';
  const ask: Fleet['ask'] = (method, path, body) =>
    fetch(`${url}/v1/accounts/acme/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
  return { engine, cwd, env, api: Object.assign(api, { url }), start, ask };
}

/** Uploads so many rows and starts the job named `job` on them. */
export async function startJob({ ask }: Fleet, rows: number): Promise<void> {
  await ask('POST', 'datasets', { datasetId: 'in', dataset: { userUploaded: {} } });
  const form = new FormData();
  form.set('file', new Blob([makeRows(rows)]), 'in.jsonl');
  expect((await ask('POST', 'datasets/in:upload', form)).status).toBe(200);
  const wish = { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' };
  expect((await ask('POST', 'batchInferenceJobs?batchInferenceJobId=job', wish)).status).toBe(200);
}

/** Resolves with the job when it has ended. */
export async function untilOver({ ask }: Pick<Fleet, 'ask'>): Promise<{ readonly state: string }> {
  for (;;) {
    const job = (await (await ask('GET', 'batchInferenceJobs/job')).json()) as { readonly state: string };
    if (/COMPLETED|FAILED|EXPIRED|CANCELLED/.test(job.state)) return job;
    await delay(100);
  }
}

/** The lines of all files of its output. */
export async function readOutput({ ask }: Pick<Fleet, 'ask'>): Promise<readonly OutputLine[]> {
  const reply = await ask('GET', 'datasets/out:getDownloadEndpoint');
  const { filenameToSignedUrls } = (await reply.json()) as { readonly filenameToSignedUrls: Record<string, string> };
  const links = Object.values(filenameToSignedUrls);
  const texts = await Promise.all(links.map(async (link) => (await fetch(link)).text()));
  return texts.flatMap((text) => parseLines<OutputLine>(text));
}
