/**
 * Simulated engines as real HTTP servers, in a process of their own, so that they share no event loop with whoever is measured.
 *
 *   node bench/simulator/engine-server.ts '{"slots":64,"serviceMs":1000}' …      one engine each; prints a URL a line, ends when its standard input does
 *
 * `POST` of any path is a generation: its prompt is the content of its messages, its answer as long as `max_tokens` says where `ignore_eos` is set, else as is drawn.
 * 429 beyond the queue, 500 for the share that fails. `GET /metrics` is vLLM's gauge, where it is switched on. `GET /simulator` reports, `POST /simulator` with
 * `{"slots":256}` or `{"failing":0.1}` changes the engine while it runs. `engine-time.ts` describes the model of time.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import type { EngineOptions } from './engine-process.ts';
import { BLOCK_TOKENS } from './prefix-cache.ts';
import { type Outcome, RealEngine } from './real-engine.ts';

interface Body {
  readonly messages?: readonly { readonly content: string }[];
  readonly max_tokens?: number;
  readonly ignore_eos?: boolean;
}

const BYTES_PER_TOKEN = 4;
const BLOCK_BYTES = BLOCK_TOKENS * BYTES_PER_TOKEN;

/** Every block by its own bytes and all that come before it. */
function toBlocks({ messages = [] }: Body): readonly number[] {
  const prompt = Buffer.from(messages.map(({ content }) => content).join('\n'));
  const blocks: number[] = [];
  for (let at = 0; at + BLOCK_BYTES <= prompt.length; at += BLOCK_BYTES)
    blocks.push(crc32(prompt.subarray(at, at + BLOCK_BYTES), blocks.at(-1)));
  return blocks;
}

function send(response: ServerResponse, status: number, body: object): void {
  const bytes = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }).end(bytes);
}

const REFUSAL = { error: { message: 'The queue is full.', type: 'rate_limit_error' } };
const FAILURE = { error: { message: 'The engine failed.', type: 'server_error' } };

function sendOutcome(response: ServerResponse, outcome: Outcome, promptTokens: number): void {
  if (outcome === 'refused') send(response, 429, REFUSAL);
  else if (outcome === 'failed') send(response, 500, FAILURE);
  else send(response, 200, toCompletion(outcome, promptTokens));
}

const toCompletion = ({ tokens, cachedTokens }: Exclude<Outcome, string>, promptTokens: number) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'word'.repeat(tokens) }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: promptTokens,
    completion_tokens: tokens,
    total_tokens: promptTokens + tokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  },
});

async function generate(engine: RealEngine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await json(request)) as Body;
  const blocks = toBlocks(body);
  const outcome = await engine.ask(blocks, body.ignore_eos ? body.max_tokens : undefined);
  sendOutcome(response, outcome, BLOCK_TOKENS * blocks.length);
}

async function change(engine: RealEngine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { slots, failing } = (await json(request)) as { readonly slots?: number; readonly failing?: number };
  if (slots !== undefined) engine.resize(slots);
  if (failing !== undefined) engine.failing = failing;
  send(response, 200, {});
}

const toGauge = ({ running, waiting }: RealEngine['gauge']): string =>
  `vllm:num_requests_running{model_name="bench"} ${running}\nvllm:num_requests_waiting{model_name="bench"} ${waiting}\n`;

async function open({ hasGauge = false, seed = 1, batch, ...shape }: EngineOptions): Promise<string> {
  const speed = batch && ((sequences: number) => 1 / (1 + sequences / batch));
  const engine = new RealEngine({ ...shape, ...(speed && { speed }) }, seed);
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    const { method, url } = request;
    if (url === '/simulator' && method === 'GET') send(response, 200, engine.report());
    else if (url === '/simulator') void change(engine, request, response);
    else if (method === 'POST') void generate(engine, request, response);
    else if (url === '/metrics' && hasGauge) response.end(toGauge(engine.gauge));
    else if (url === '/v1/models') send(response, 200, { object: 'list', data: [{ id: 'bench', object: 'model' }] });
    else send(response, 404, { error: { message: 'There is nothing here.' } });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const options of process.argv.slice(2)) console.log(await open(JSON.parse(options)));
process.stdin.resume().once('end', () => process.exit());
