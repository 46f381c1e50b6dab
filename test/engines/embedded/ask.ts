/** Asks an engine as a worker does, and reads what it says. */
import type { Engine, EngineReply } from '../../../src/engines/engine.ts';

export interface Said {
  readonly status: number;
  readonly body: Reply;
}

/** The parts of OpenAI's replies that tests look at. */
export interface Reply {
  readonly choices: readonly Choice[];
  readonly usage: Usage;
  readonly error: { readonly message: string; readonly code: string | null; readonly param: string | null };
  readonly data: readonly { readonly id: string; readonly max_model_len: number }[];
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly message: {
    readonly role: string;
    readonly content: string;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly SaidCall[];
  };
  readonly delta: {
    readonly role?: string;
    readonly content?: string;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly (SaidCall & { readonly index: number })[];
  };
  readonly finish_reason: string | null;
  readonly logprobs: { readonly content: readonly Logprob[] } & {
    readonly token_logprobs: readonly number[];
    readonly tokens: readonly string[];
  };
}

interface SaidCall {
  readonly id: string;
  readonly type: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

interface Logprob {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[];
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details?: { readonly reasoning_tokens: number };
}

const CHAT = '/v1/chat/completions';
export const COMPLETIONS = '/v1/completions';

export const send = (engine: Engine, body: object, path = CHAT, signal = new AbortController().signal): Promise<EngineReply> =>
  engine.answer({ path, body: [Buffer.from(JSON.stringify(body))] }, signal);

/** Sends one request and expects an answer of any status. */
export async function ask(engine: Engine, body: object, path = CHAT): Promise<Said> {
  const reply = await send(engine, body, path);
  if (reply.kind === 'silence') throw new Error(`The engine gave no answer: ${reply.message}`);
  return { status: reply.status, body: JSON.parse(reply.body.toString()) };
}

/** The first choice of an answer that has to be good. */
export async function askOne(engine: Engine, body: object, path = CHAT): Promise<Choice> {
  const said = await ask(engine, body, path);
  const [choice] = said.body.choices ?? [];
  if (said.status !== 200 || choice === undefined)
    throw new Error(`The engine answered ${said.status}: ${JSON.stringify(said.body)}`);
  return choice;
}

/** The chunks of a streamed answer, without the closing mark. */
export async function askStream(engine: Engine, body: object, path = CHAT): Promise<readonly Reply[]> {
  const reply = await send(engine, { ...body, stream: true }, path);
  if (reply.kind === 'silence') throw new Error(`The engine gave no answer: ${reply.message}`);
  const events = reply.body
    .toString()
    .trimEnd()
    .split('\n\n')
    .map((event) => event.replace(/^data: /, ''));
  if (events.pop() !== '[DONE]') throw new Error('The stream did not end with its mark.');
  return events.map((event) => JSON.parse(event));
}

/** A user message, and whatever else the request says. */
export const saying = (content: string, others: object = {}): object => ({ messages: [{ role: 'user', content }], ...others });
