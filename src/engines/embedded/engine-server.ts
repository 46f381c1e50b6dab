/** The engine's HTTP door on loopback: OpenAI's dialect, health and metrics. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../base/message-of.ts';
import { countedPath } from './count-prompt.ts';
import { type Fields, isFields, wrong } from './fields.ts';
import type { ReadyModel } from './ready-model.ts';
import { Refusal } from './refusal.ts';

const MAX_BODY_BYTES = 64 * 2 ** 20;

export class EngineServer {
  readonly #server: Server;
  readonly #maxWaiting: number;
  #ready: ReadyModel | undefined;
  #inFlight = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
    this.#server = createServer((request, response) => {
      // Words to somebody who has just gone; the close is heard elsewhere.
      response.on('error', () => {});
      void this.#handle(request, response);
    });
    // Generations take as long as they take; the client has clocks of its own.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens on a free port of loopback; answers it. */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    await promise;
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The engine listens on no port.');
    return address.port;
  }

  /** From now on requests are answered. */
  open(ready: ReadyModel): void {
    this.#ready = ready;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (!response.destroyed) sayError(response, error);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (request.method === 'GET') {
      this.#look(path, response);
      return;
    }
    const ready = this.#expectReady();
    const counted = countedPath(path);
    if (request.method !== 'POST' || !ready.paths.includes(counted ?? path)) throw notThere(request.method, path, ready);
    if (counted !== undefined) {
      sayJson(response, ready.count({ path: counted, body: await readBody(request, ready) }));
      return;
    }
    if (this.#inFlight >= ready.slots + this.#maxWaiting) throw full();
    this.#inFlight++;
    try {
      await answer(ready, path, { request, response });
    } finally {
      this.#inFlight--;
    }
  }

  #look(path: string, response: ServerResponse): void {
    const ready = this.#expectReady();
    if (path === '/health') sayJson(response, { status: 'ok' });
    else if (path === '/metrics') response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(ready.metrics());
    else if (path === '/v1/models') sayJson(response, toModelList(ready));
    else throw notThere('GET', path, ready);
  }

  #expectReady(): ReadyModel {
    if (this.#ready !== undefined) return this.#ready;
    throw new Refusal('The model is still being loaded.', {
      status: 503,
      type: 'server_error',
      code: 'loading',
      headers: { 'retry-after': '1' },
    });
  }
}

async function answer(
  ready: ReadyModel,
  path: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('The client went away.'));
  });
  await ready.answer({ path, body: await readBody(request, ready) }, response, gone.signal);
}

async function readBody(request: IncomingMessage, { modelId }: ReadyModel): Promise<Fields> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES) throw new Refusal(`The request is larger than ${MAX_BODY_BYTES} bytes.`, { status: 413 });
  }
  const body = parse(Buffer.concat(pieces).toString());
  if (!isFields(body)) throw wrong('body', 'a JSON object', body);
  checkModel(body, modelId);
  return body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(`The body is not JSON: ${messageOf(error)}`);
  }
}

function checkModel({ model }: Fields, modelId: string): void {
  if (model === undefined || model === null || model === modelId) return;
  throw new Refusal(`The model '${String(model)}' does not exist here: this engine serves '${modelId}'.`, {
    status: 404,
    code: 'model_not_found',
    param: 'model',
  });
}

const toModelList = ({ modelId, contextSize, trainContextSize }: ReadyModel) => ({
  object: 'list',
  data: [
    {
      id: modelId,
      object: 'model',
      created: 0,
      owned_by: 'boatload',
      max_model_len: contextSize,
      meta: { n_ctx_train: trainContextSize },
    },
  ],
});

function sayJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sayError(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : broken(error);
  // Inside a stream it is too late for a status.
  if (response.headersSent) response.end(`data: ${JSON.stringify(refusal.toBody())}\n\n`);
  else
    response
      .writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers })
      .end(JSON.stringify(refusal.toBody()));
}

function broken(error: unknown): Refusal {
  const why = messageOf(error);
  process.stderr.write(`${error instanceof Error ? error.stack : why}\n`);
  return new Refusal(`The engine failed: ${why}`, { status: 500, type: 'server_error', code: 'engine_failed' });
}

const full = (): Refusal =>
  new Refusal('The engine has as many requests waiting as it takes. Try again in a moment.', {
    status: 429,
    type: 'rate_limit_error',
    code: 'engine_full',
    headers: { 'retry-after': '1' },
  });

const notThere = (method: string | undefined, path: string, { paths }: ReadyModel): Refusal =>
  new Refusal(`There is no ${method ?? ''} ${path} here. This engine answers POST ${paths.join(' and ')}.`, {
    status: 404,
    code: 'not_found',
  });
