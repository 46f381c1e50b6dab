/** Reads a request body member by member, and judges it by the kind of request. */
import type { JsonCursor } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { RowFault } from './bad-line.ts';
import { type CheckedValue, checkMessages } from './check-messages.ts';
import { DEFAULT_PATH } from './row-format.ts';

/** What planning wants to know of a body. A member that comes twice counts where it comes last. */
export interface BodyReading {
  messages?: CheckedValue;
  promptTokenIds?: CheckedValue;
  prompt?: Span;
  input?: Span;
  tools?: Span;
  /** 0 when the body doesn't say. */
  maxTokens: number;
}

const KEYS = new WordSet([
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
  else if (key === 'prompt' || key === 'input' || key === 'tools') body[key] = passValue(cursor);
  else body.maxTokens = readCount(cursor, line);
}

/** What keeps the body from being sent to `path`. */
export function checkBody(body: BodyReading, path: string, systemPrompt: boolean): RowFault | undefined {
  if (path === '/v1/completions' && body.prompt === undefined) return missing('prompt');
  if (path === '/v1/embeddings' && body.input === undefined) return missing('input');
  return path === DEFAULT_PATH ? checkChatBody(body, systemPrompt) : undefined;
}

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
  prompt: 'Give the body a "prompt", as /v1/completions wants.',
  input: 'Give the body an "input", as /v1/embeddings wants.',
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

/** Digits only: a whole number that is not negative, written plainly. */
function isCount(line: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = line[at] ?? 0;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return end > start;
}

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
