/** What an honest engine says: a function of the request's own text, so that a result shows which row it belongs to. */
import { hash } from 'node:crypto';

/** A request's body, or that of a dataset's row. */
export type Body = Readonly<Record<string, unknown>>;

/** What is asked, and what tells it from the others. */
export interface Question {
  /** What stands between `[[` and `]]` in the text, else a digest of the text. */
  readonly key: string;
  readonly text: string;
}

/** The words of an answer and what they cost. */
export interface Answer {
  readonly content: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Reads the last user message, the prompt or the input. */
export function readQuestion(body: Body): Question {
  const messages = Array.isArray(body['messages']) ? body['messages'] : [];
  const asked = messages.findLast((message) => message?.role === 'user')?.content ?? body['prompt'] ?? body['input'] ?? '';
  const text = typeof asked === 'string' ? asked : JSON.stringify(asked);
  return { key: /\[\[(.*?)\]\]/.exec(text)?.[1] ?? hash('sha256', text).slice(0, 16), text };
}

const MOST_WORDS = 15;

/** The key and a few words that nobody could guess; a token a word. */
export function answerOf({ key, text }: Question): Answer {
  const digits = hash('sha256', text);
  const words = 1 + (Number.parseInt(digits.slice(0, 4), 16) % MOST_WORDS);
  const content = [key, ...Array.from({ length: words - 1 }, (_, word) => digits.slice(4 * word, 4 * word + 4))].join(' ');
  return { content, promptTokens: Math.ceil(text.length / 4), completionTokens: words };
}

/** The whole answer to a request, as its endpoint gives it. */
export function toReply(path: string, body: Body, answer = answerOf(readQuestion(body))): Body {
  const { content, promptTokens, completionTokens } = answer;
  const head = {
    id: 'answer',
    created: 1_700_000_000,
    model: body['model'] ?? 'torture',
  };
  if (path.endsWith('/embeddings')) {
    const data = [{ object: 'embedding', index: 0, embedding: toVector(content) }];
    return { object: 'list', data, model: head.model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } };
  }
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  if (path.endsWith('/chat/completions')) {
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
    return { ...head, object: 'chat.completion', choices, usage };
  }
  return { ...head, object: 'text_completion', choices: [{ index: 0, text: content, finish_reason: 'stop' }], usage };
}

/** The same answer as events. */
export function toEvents(reply: Body, content: string): string {
  const { usage, ...head } = reply;
  const toEvent = (choices: readonly object[], others: object = {}) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...others })}\n\n`;
  const deltas = content.split(' ').map((word, at) => toEvent([{ index: 0, delta: { content: at === 0 ? word : ` ${word}` } }]));
  const end = toEvent([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  return [...deltas, end, toEvent([], { usage }), 'data: [DONE]\n\n'].join('');
}

const toVector = (content: string): readonly number[] =>
  Array.from(hash('sha256', content, 'buffer').subarray(0, 8), (byte) => byte / 256);

/** Of an answer's bytes, on one line: line ends between JSON's tokens mean the same as spaces. */
export const digestOf = (body: Buffer | string): string => {
  const text = typeof body === 'string' ? body : body.toString();
  return hash('sha256', /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text).slice(0, 16);
};
