/** Checks `messages` in one walk with the cursor that reads the row. */
import { QUOTE } from '../jsonl/ascii.ts';
import type { JsonCursor, JsonKind } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { RowFault } from './bad-line.ts';
import { withArticle } from './kind-words.ts';
import { passParts } from './media-bytes.ts';

/** A value that was walked over, and the first thing that is wrong with it. */
export interface CheckedValue extends Span {
  readonly fault: RowFault | undefined;
}

export interface CheckedMessages extends CheckedValue {
  /** Bytes of images and the like: no text. */
  readonly mediaBytes: number;
}

const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
type Role = (typeof ROLES)[number];
const ROLE_WORDS = new WordSet(ROLES);
const KEYS = new WordSet(['role', 'content', 'tool_calls', 'function_call', 'reasoning_content']);

/** Passes the value of `messages`. Messages are counted from 1. */
export function checkMessages(cursor: JsonCursor, line: Buffer): CheckedMessages {
  const start = cursor.at;
  const kind = cursor.kind();
  if (kind !== 'array') {
    cursor.skipValue();
    const fault = invalidMessages(start, `messages must be an array, it is ${withArticle(kind)}`);
    return { start, end: cursor.at, fault, mediaBytes: 0 };
  }
  let fault: RowFault | undefined;
  let count = 0;
  let mediaBytes = 0;
  for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
    const start = cursor.at;
    const message = cursor.kind() === 'object' ? readMessage(cursor) : undefined;
    const found = checkMessage(cursor, message, { line, start, number: ++count });
    fault ??= found;
    mediaBytes += message?.mediaBytes ?? 0;
  }
  if (count === 0) fault = invalidMessages(start, 'messages is empty');
  return { start, end: cursor.at, fault, mediaBytes };
}

const invalidMessages = (at: number, message: string): RowFault => ({
  at,
  reason: 'INVALID_MESSAGES',
  message,
  remedy: 'Give the body an array of at least one message.',
});

interface MessageReading {
  role: Span | undefined;
  content: (Span & { readonly kind: JsonKind }) | undefined;
  /** What an assistant may say instead of content. */
  hasSubstitute: boolean;
  /** Bytes of parts that are no text. */
  mediaBytes: number;
}

function checkMessage(cursor: JsonCursor, message: MessageReading | undefined, place: Place): RowFault | undefined {
  if (message !== undefined) return checkMessageObject(message, place);
  const { start, number } = place;
  const kind = cursor.kind();
  cursor.skipValue();
  return {
    at: start,
    reason: 'INVALID_MESSAGE',
    message: `message ${number} must be an object, it is ${withArticle(kind)}`,
    remedy: 'Write every message as {"role": …, "content": …}.',
  };
}

function readMessage(cursor: JsonCursor): MessageReading {
  const message: MessageReading = { role: undefined, content: undefined, hasSubstitute: false, mediaBytes: 0 };
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const start = cursor.at;
    const kind = cursor.kind();
    const key = cursor.keyIn(KEYS);
    if (key === 'content' && kind === 'array') message.mediaBytes = passParts(cursor);
    else cursor.skipValue();
    if (key === 'role') message.role = { start, end: cursor.at };
    else if (key === 'content') message.content = { start, end: cursor.at, kind };
    else if (key !== undefined && kind !== 'null') message.hasSubstitute = true;
  }
  return message;
}

interface Place {
  readonly line: Buffer;
  /** Where the message begins. */
  readonly start: number;
  /** From 1. */
  readonly number: number;
}

function checkMessageObject(message: MessageReading, place: Place): RowFault | undefined {
  const { role } = message;
  if (role === undefined) return missingRole(place);
  const name = roleOf(place.line, role);
  return name === undefined ? invalidRole(role, place) : checkContent(message, name, place);
}

const missingRole = ({ start, number }: Place): RowFault => ({
  at: start,
  reason: 'MISSING_ROLE',
  message: `message ${number} has no role`,
  remedy: "Give every message a role: 'system', 'user', 'assistant' or 'tool'.",
});

/** The sentence is the one that clients of the original system know. */
const invalidRole = ({ start, end }: Span, { line, number }: Place): RowFault => {
  const token = line.subarray(start, end);
  const role = token[0] === QUOTE ? tokenText(token) : token.toString();
  return {
    at: start,
    reason: 'INVALID_ROLE',
    message: `invalid role ${role.slice(0, 100)} in message ${number}, must be 'system', 'user', 'assistant' or 'tool'`,
    remedy: "Use one of the four roles; what others call 'developer' is 'system' here.",
  };
};

function roleOf(line: Buffer, { start, end }: Span): Role | undefined {
  if (line[start] !== QUOTE) return undefined;
  const role = ROLE_WORDS.find(line, start + 1, end - 1);
  if (role !== undefined) return role;
  // It may be written with escapes.
  const text = tokenText(line.subarray(start, end));
  return ROLES.find((known) => known === text);
}

function checkContent({ content, hasSubstitute }: MessageReading, role: Role, { start, number }: Place): RowFault | undefined {
  const kind = content?.kind ?? 'nothing';
  if (kind === 'string' || kind === 'array') return undefined;
  if (role === 'assistant' && hasSubstitute && (kind === 'nothing' || kind === 'null')) return undefined;
  const at = content?.start ?? start;
  return kind === 'nothing' || kind === 'null' ? missingContent(at, role, number) : invalidContent(at, kind, number);
}

const missingContent = (at: number, role: Role, number: number): RowFault => ({
  at,
  reason: 'MISSING_CONTENT',
  message: `message ${number} (${role}) has no content`,
  remedy: 'Give the message content; only an assistant message with tool_calls can be without.',
});

const invalidContent = (at: number, kind: JsonKind, number: number): RowFault => ({
  at,
  reason: 'INVALID_CONTENT',
  message: `content of message ${number} must be a string or an array of parts, it is ${withArticle(kind)}`,
  remedy: 'Write content as a string, or as an array of parts like {"type": "text", "text": …}.',
});
