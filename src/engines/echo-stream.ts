/** Echo's replies word by word, as the events of a stream. */
import type { Fields, Refusal, replyToChat, replyToInput, replyToPrompt } from './echo-replies.ts';

type ReplyOf<Replier extends (...asked: never[]) => object | Refusal> = Exclude<ReturnType<Replier>, Refusal>;

const DONE = 'data: [DONE]\n\n';

/** The chunks of a chat reply. */
export function* toChatEvents({ choices, usage, ...head }: ReplyOf<typeof replyToChat>, asked: Fields): Generator<string> {
  const toChunk = (index: number, delta: object, finish_reason: string | null = null) =>
    toEvent({ ...head, object: 'chat.completion.chunk', choices: [{ index, delta, logprobs: null, finish_reason }] });
  for (const { index, message, finish_reason } of choices) {
    yield toChunk(index, { role: message.role, content: '' });
    for (const content of toWords(message.content)) yield toChunk(index, { content });
    yield toChunk(index, {}, finish_reason);
  }
  if (wantsUsage(asked)) yield toEvent({ ...head, object: 'chat.completion.chunk', choices: [], usage });
  yield DONE;
}

/** The chunks of a text completion. */
export function* toPromptEvents({ choices, usage, ...head }: ReplyOf<typeof replyToPrompt>, asked: Fields): Generator<string> {
  const toChunk = (index: number, text: string, finish_reason: string | null = null) =>
    toEvent({ ...head, choices: [{ index, text, logprobs: null, finish_reason }] });
  for (const { index, text, finish_reason } of choices) {
    for (const word of toWords(text)) yield toChunk(index, word);
    yield toChunk(index, '', finish_reason);
  }
  if (wantsUsage(asked)) yield toEvent({ ...head, choices: [], usage });
  yield DONE;
}

/** The events of a response, each with its type and number. */
export function* toInputEvents(response: ReplyOf<typeof replyToInput>): Generator<string> {
  let sequence_number = 0;
  const say = (type: string, facts: object) =>
    `event: ${type}\n${toEvent({ type, sequence_number: sequence_number++, ...facts })}`;
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  yield say('response.created', { response: begun });
  yield say('response.in_progress', { response: begun });
  for (const [output_index, message] of response.output.entries()) {
    const place = { item_id: message.id, output_index };
    yield say('response.output_item.added', { output_index, item: { ...message, status: 'in_progress', content: [] } });
    for (const [content_index, part] of message.content.entries()) {
      const inside = { ...place, content_index };
      yield say('response.content_part.added', { ...inside, part: { ...part, text: '' } });
      for (const delta of toWords(part.text)) yield say('response.output_text.delta', { ...inside, delta, logprobs: [] });
      yield say('response.output_text.done', { ...inside, text: part.text, logprobs: [] });
      yield say('response.content_part.done', { ...inside, part });
    }
    yield say('response.output_item.done', { output_index, item: message });
  }
  yield say(`response.${response.status}`, { response });
}

const toEvent = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

/** Together they are the text. */
const toWords = (text: string): readonly string[] => (text === '' ? [] : text.split(/(?<=\s)(?=\S)/));

function wantsUsage({ stream_options: options }: Fields): boolean {
  return typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage === true;
}
