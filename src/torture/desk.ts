/** How a user asks the API while its processes die: again and again, until there is an answer. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface DeskOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly account: string;
  /** Nothing is asked for longer. */
  readonly patienceMs: number;
}

/** What a request answers, parsed. */
export type Reply = Readonly<Record<string, unknown>>;

const AGAIN_MS = 150;
const ONE_TRY_MS = 30_000;

export class Desk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get account(): string {
    return this.#options.account;
  }

  /** Below the account, in Fireworks' dialect. What was done already by a try whose answer was lost is no error. */
  async ask(method: string, path: string, body?: object | FormData): Promise<Reply> {
    return this.json(method, `/v1/accounts/${this.#options.account}/${path}`, body);
  }

  /** Any path. */
  async json(method: string, path: string, body?: object | FormData): Promise<Reply> {
    const reply = await this.#untilAnswered(method, `${this.#options.url}${path}`, body);
    const text = await reply.text();
    if (reply.ok || isDoneAlready(text)) return JSON.parse(text === '' ? '{}' : text) as Reply; // the API answers objects
    throw new Error(`${method} ${path} was answered ${reply.status}: ${text.slice(0, 500)}`);
  }

  /** A file's lines, by a path or a whole URL; every try begins at the start. */
  async lines(from: string): Promise<readonly string[]> {
    const url = from.startsWith('http') ? from : `${this.#options.url}${from}`;
    const endMs = performance.now() + this.#options.patienceMs;
    for (;;) {
      const reply = await this.#untilAnswered('GET', url);
      try {
        const text = await reply.text();
        if (!reply.ok) throw new Error(`GET ${from} was answered ${reply.status}: ${text.slice(0, 500)}`);
        return text.split('\n').filter((line) => line !== '');
      } catch (cause) {
        if (performance.now() > endMs) throw cause;
        await delay(AGAIN_MS);
      }
    }
  }

  async #untilAnswered(method: string, url: string, body?: object | FormData): Promise<Response> {
    const endMs = performance.now() + this.#options.patienceMs;
    // As good clients do: a create whose answer was lost must not make a second job.
    const key = randomUUID();
    for (;;) {
      try {
        const reply = await fetch(url, this.#toRequest(method, body, key));
        if (reply.status < 500 && !reply.headers.has('retry-after')) return reply;
        if (performance.now() > endMs) return reply;
        await reply.body?.cancel();
      } catch (cause) {
        if (performance.now() > endMs) throw cause;
      }
      await delay(AGAIN_MS);
    }
  }

  #toRequest(method: string, body: object | FormData | undefined, key: string): RequestInit {
    const authorization = `Bearer ${this.#options.apiKey}`;
    const signal = AbortSignal.timeout(ONE_TRY_MS);
    if (body === undefined) return { method, signal, headers: { authorization } };
    if (body instanceof FormData) return { method, signal, headers: { authorization }, body };
    const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': key };
    return { method, signal, headers, body: JSON.stringify(body) };
  }
}

/** A create, an upload or a cancel that a try before this one has done. */
const isDoneAlready = (text: string): boolean => /ALREADY_EXISTS|DATASET_READY|JOB_ENDED|already/i.test(text);
