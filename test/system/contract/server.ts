/** The published program as a server of its own, knocked on with plain `fetch` by the tests of the contract. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { startServer, type TestServer } from '../../client/server.ts';
import { isOver, type Reply } from '../../door/server.ts';
import type { HttpEngineOptions } from '../../support/http-engine.ts';
import { installProgram } from '../../support/installed.ts';

export type { Reply };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Reply;
}

export interface AskOptions {
  /** A form goes as it is, everything else as JSON. */
  readonly body?: object | string;
  /** Default the server's own. */
  readonly key?: string;
}

/** A model that clients of the original system name in full; here everybody may use what engines serve. */
export const MODEL = 'accounts/fireworks/models/llama-v3p1-8b-instruct';
/** The account that such names mean here. */
export const SERVED_MODEL = 'accounts/boatload/models/llama-v3p1-8b-instruct';

/** Starts it over an engine of the test's, which serves `MODEL`. */
export async function startContractServer(engine: HttpEngineOptions = {}, env: Readonly<Record<string, string>> = {}) {
  const { program } = await installProgram();
  const options = { models: [{ id: 'llama-v3p1-8b-instruct' }], ...engine };
  return new ContractServer(await startServer(options, env, program));
}

/** Its resources by their paths below the account. */
export class ContractServer {
  readonly server: TestServer;

  constructor(server: TestServer) {
    this.server = server;
  }

  /** `accounts/{account}` and what is below. */
  name(path: string): string {
    return `accounts/${this.server.account}/${path}`;
  }

  async ask(method: string, path: string, { body, key = this.server.apiKey }: AskOptions = {}): Promise<Answer> {
    const isForm = body instanceof FormData;
    const reply = await fetch(`${this.server.url}/v1/${path.startsWith('/') ? path.slice(1) : this.name(path)}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.startsWith('application/json');
    return { status: reply.status, headers: reply.headers, body: isJson ? JSON.parse(text) : text };
  }

  /** The body of a call that must succeed. */
  async get(path: string): Promise<Reply> {
    return this.#ok('GET', path);
  }

  async post(path: string, body: object): Promise<Reply> {
    return this.#ok('POST', path, body);
  }

  async #ok(method: string, path: string, body?: object): Promise<Reply> {
    const answer = await this.ask(method, path, body && { body });
    expect(answer, `${method} ${path}`).toMatchObject({ status: 200 });
    return answer.body;
  }

  /** A dataset with a file in it, READY. */
  async upload(datasetId: string, text: string): Promise<void> {
    const exampleCount = String(text.split('\n').filter((line) => line.trim() !== '').length);
    await this.post('datasets', { datasetId, dataset: { userUploaded: {}, exampleCount } });
    await this.post(`datasets/${datasetId}:upload`, formOf(text, `${datasetId}.jsonl`));
  }

  createJob(id: string, wish: object): Promise<Reply> {
    return this.post(`batchInferenceJobs?batchInferenceJobId=${id}`, wish);
  }

  /** Reads the job until it is as wished; fails when it ends without. */
  async untilJob(id: string, isAsWished: (job: Reply) => boolean): Promise<Reply> {
    for (;;) {
      const job = await this.get(`batchInferenceJobs/${id}`);
      if (isAsWished(job)) return job;
      if (isOver(job)) throw new Error(`Job ${id} ended as ${job.state}: ${job.status.message}`);
      await delay(50);
    }
  }

  untilState(id: string, ...states: readonly string[]): Promise<Reply> {
    return this.untilJob(id, ({ state }) => states.includes(state.replace('JOB_STATE_', '')));
  }

  /** What the signed links of a dataset lead to, by key. The links carry their own permission. */
  async download(datasetId: string, query = ''): Promise<Readonly<Record<string, string>>> {
    const { filenameToSignedUrls } = await this.get(`datasets/${datasetId}:getDownloadEndpoint${query}`);
    const texts = Object.entries<string>(filenameToSignedUrls).map(async ([key, url]) => {
      const reply = await fetch(url);
      expect(reply.status).toBe(200);
      return [key, await reply.text()];
    });
    return Object.fromEntries(await Promise.all(texts));
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

/** The multipart part `file`. */
export const formOf = (text: string | Blob, filename = 'rows.jsonl'): FormData => {
  const form = new FormData();
  form.set('file', typeof text === 'string' ? new Blob([text]) : text, filename);
  return form;
};

/** A row as the guide writes it. */
export const rowOf = (id: string, body: object = {}): string =>
  `${JSON.stringify({ custom_id: id, body: { messages: [{ role: 'user', content: `[[${id}]]` }], ...body } })}\n`;
