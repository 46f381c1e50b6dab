/** `boatload up` in a process of its own, and its API as a client sees it. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Program, startBoatload } from '../support/program.ts';

/** What a reply may hold; tests look at what they expect. */
// biome-ignore lint/suspicious/noExplicitAny: replies of all kinds, checked by the tests' own expectations
export type Reply = any;

export interface Server {
  readonly program: Program;
  readonly url: string;
  readonly apiKey: string;
  /** Asks below `/v1/accounts/{account}`; a body that isn't a form is sent as JSON. */
  ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: Reply }>;
  /** A dataset with a file in it. */
  upload(datasetId: string, text: string): Promise<void>;
  createJob(id: string, wish: object): Promise<Reply>;
  /** Reads the job until it is as wished. */
  waitForJob(id: string, isAsWished: (job: Reply) => boolean): Promise<Reply>;
}

/** Starts a server on a folder; to be called inside a test. */
export async function startServer(cwd: string, ...flags: readonly string[]): Promise<Server> {
  const program = startBoatload(['up', '--json', '--port', '0', '--data-dir', 'data', ...flags], { cwd });
  const [line] = await program.says(/^{.*}$/m);
  const { url, account, apiKey } = JSON.parse(line);
  const ask = async (method: string, path: string, body?: object) => {
    const isForm = body instanceof FormData;
    const reply = await fetch(`${url}/v1/accounts/${account}/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    return { status: reply.status, body: await reply.json() };
  };
  const askOk = async (...asked: Parameters<typeof ask>): Promise<Reply> => {
    const { status, body } = await ask(...asked);
    if (status !== 200) throw new Error(`${asked[0]} ${asked[1]}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  return {
    program,
    url,
    apiKey,
    ask,
    async upload(datasetId, text) {
      await askOk('POST', 'datasets', { datasetId, dataset: { userUploaded: {} } });
      const form = new FormData();
      form.set('file', new Blob([text]), `${datasetId}.jsonl`);
      await askOk('POST', `datasets/${datasetId}:upload`, form);
    },
    createJob: (id, wish) => askOk('POST', `batchInferenceJobs?batchInferenceJobId=${id}`, wish),
    async waitForJob(id, isAsWished) {
      for (;;) {
        const job = await askOk('GET', `batchInferenceJobs/${id}`);
        if (isAsWished(job)) return job;
        await delay(50);
      }
    },
  };
}

/** The states in which nothing more happens to a job. */
export const isOver = ({ state }: Reply): boolean => /COMPLETED|FAILED|EXPIRED|CANCELLED/.test(state);
