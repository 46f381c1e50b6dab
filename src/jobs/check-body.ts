/** Reads a request body member by member, and judges it by the kind of request. */
import type { JsonCursor } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { RowFault } from './bad-line.ts';
import { type CheckedMessages, type CheckedValue, checkMessages } from './check-messages.ts';
import { withArticle } from './kind-words.ts';
import { isConversation, isCount, isText, readText, type TextValue } from './read-text.ts';
import { DEFAULT_PATH } from './row-format.ts';

/** What planning wants to know of a body. A member that comes twice counts where it comes last. */
export interface BodyReading {
  model?: Span;
  messages?: CheckedMessages;
  promptTokenIds?: CheckedValue;
  prompt?: TextValue;
  input?: TextValue;
  tools?: Span;
  /** 0 when the body doesn't say. */
  maxTokens: number;
}

const KEYS = new WordSet([
  'model',
  'messages',
  'prompt_token_ids',
  'prompt',
  'input',
  'tools',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
]);

/** Passes the member at the cursor and notes what it says. */
export function readBodyMember(cursor: JsonCursor, line: Buffer, body: BodyReading): void {
  const key = cursor.keyIn(KEYS);
  if (key === undefined) cursor.skipValue();
  else if (key === 'messages') body.messages = checkMessages(cursor, line);
  else if (key === 'prompt_token_ids') body.promptTokenIds = checkTokenIds(cursor, line);
  else if (key === 'prompt' || key === 'input') body[key] = readText(cursor, line);
  else if (key === 'model' || key === 'tools') body[key] = passValue(cursor);
  else body.maxTokens = readCount(cursor, line);
}

/** What keeps the body from being sent to `path`. What it leaves open, unknown members too, is the engine's to judge. */
export function checkBody(body: BodyReading, path: string, systemPrompt: boolean): RowFault | undefined {
  if (path === '/v1/completions') return checkMember(body, 'prompt', isText);
  if (path === '/v1/embeddings') return checkMember(body, 'input', isText);
  if (path === '/v1/responses') return checkResponsesBody(body);
  return path === DEFAULT_PATH ? checkChatBody(body, systemPrompt) : undefined;
}

function checkMember(body: BodyReading, name: 'prompt' | 'input', isGood: (value: TextValue) => boolean): RowFault | undefined {
  const value = body[name];
  if (value === undefined) return missing(name);
  return isGood(value) ? undefined : invalid(name, value, SHAPES.text);
}

/** A prompt that the engine keeps under an id can stand in for the input. */
function checkResponsesBody({ input, prompt }: BodyReading): RowFault | undefined {
  if (input !== undefined) return isConversation(input) ? undefined : invalid('input', input, SHAPES.conversation);
  return prompt?.kind === 'object' ? undefined : missing('input');
}

const SHAPES = {
  text: 'a string, or an array of strings, of token ids, or of arrays of token ids',
  conversation: 'a string or an array of objects',
} as const;

const invalid = (name: 'prompt' | 'input', { start, kind, elements }: TextValue, shape: string): RowFault => ({
  at: start,
  reason: `INVALID_${name.toUpperCase()}`,
  message: `${name} must be ${shape}, none of them empty; it is ${elements === undefined ? withArticle(kind) : `an array of ${elements}`}`,
  remedy: REMEDIES[name],
});

function checkChatBody({ messages, promptTokenIds }: BodyReading, systemPrompt: boolean): RowFault | undefined {
  if (promptTokenIds === undefined) return messages === undefined ? missing('messages') : messages.fault;
  if (messages !== undefined) {
    return {
      at: promptTokenIds.start,
      reason: 'MESSAGES_AND_TOKEN_IDS',
      message: 'the body has both messages and prompt_token_ids',
      remedy: 'Give the body either messages or prompt_token_ids.',
    };
  }
  if (!systemPrompt) return promptTokenIds.fault;
  return {
    at: promptTokenIds.start,
    reason: 'SYSTEM_PROMPT_WITH_TOKEN_IDS',
    message: 'the job has a system prompt, which prompt_token_ids leave no place for',
    remedy: 'Run the job without a system prompt, or give the rows messages instead of prompt_token_ids.',
  };
}

const missing = (name: 'messages' | 'prompt' | 'input'): RowFault => ({
  reason: `MISSING_${name.toUpperCase()}`,
  message: `the body has no ${name}`,
  remedy: REMEDIES[name],
});

const REMEDIES = {
  messages: 'Give the body "messages": an array of at least one {"role": …, "content": …}.',
  prompt: 'Give the body a "prompt": the text that /v1/completions goes on from.',
  input: 'Give the body an "input": what /v1/embeddings embeds, or /v1/responses answers.',
} as const;

function checkTokenIds(cursor: JsonCursor, line: Buffer): CheckedValue {
  const start = cursor.at;
  let isGood = cursor.kind() === 'array';
  let count = 0;
  if (!isGood) cursor.skipValue();
  else {
    for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
      const { start: first, end } = passValue(cursor);
      count++;
      isGood &&= isCount(line, first, end);
    }
  }
  const fault = isGood && count > 0 ? undefined : INVALID_TOKEN_IDS(start);
  return { start, end: cursor.at, fault };
}

const INVALID_TOKEN_IDS = (at: number): RowFault => ({
  at,
  reason: 'INVALID_TOKEN_IDS',
  message: 'prompt_token_ids must be an array of at least one whole number, none below 0',
  remedy: 'Give prompt_token_ids the ids of the tokens, as the model counts them.',
});

function passValue(cursor: JsonCursor): Span {
  const start = cursor.at;
  cursor.skipValue();
  return { start, end: cursor.at };
}

const MAX_UINT32 = 0xffff_ffff;

function readCount(cursor: JsonCursor, line: Buffer): number {
  const { start, end } = passValue(cursor);
  const count =
    isCount(line, start, end) && end - start < 10 ? toNumber(line, start, end) : Number(line.toString('latin1', start, end));
  return count > 0 ? Math.min(MAX_UINT32, Math.floor(count)) : 0;
}

/** A few digits, without a string. */
function toNumber(line: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) number = number * 10 + ((line[at] ?? 0) - 0x30);
  return number;
}
