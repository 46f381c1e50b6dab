/** Checks `messages` in one walk with the cursor that reads the row. */
import type { JsonCursor, JsonKind } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import type { RowFault } from './bad-line.ts';
import { withArticle } from './kind-words.ts';
import { CONTENT, FUNCTION_CALL, REASONING_CONTENT, ROLE, TOOL_CALLS } from './names.ts';

/** A value that was walked over, and the first thing that is wrong with it. */
export interface CheckedValue extends Span {
  readonly fault: RowFault | undefined;
}

const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
type Role = (typeof ROLES)[number];
const ROLE_TOKENS = ROLES.map((role) => ({ role, token: Buffer.from(JSON.stringify(role)) }));

/** Passes the value of `messages`. Messages are counted from 1. */
export function checkMessages(cursor: JsonCursor, line: Buffer): CheckedValue {
  const start = cursor.at;
  const kind = cursor.kind();
  if (kind !== 'array') {
    cursor.skipValue();
    return { start, end: cursor.at, fault: invalidMessages(start, `messages must be an array, it is ${withArticle(kind)}`) };
  }
  let fault: RowFault | undefined;
  let count = 0;
  for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
    const found = checkMessage(cursor, line, ++count);
    fault ??= found;
  }
  if (count === 0) fault = invalidMessages(start, 'messages is empty');
  return { start, end: cursor.at, fault };
}

const invalidMessages = (at: number, message: string): RowFault => ({
  at,
  reason: 'INVALID_MESSAGES',
  message,
  remedy: 'Give the body an array of at least one message.',
});

interface MessageReading {
  role: Span | undefined;
  content: Span | undefined;
  contentKind: JsonKind;
  /** What an assistant may say instead of content. */
  hasSubstitute: boolean;
}

function checkMessage(cursor: JsonCursor, line: Buffer, number: number): RowFault | undefined {
  const start = cursor.at;
  const kind = cursor.kind();
  if (kind === 'object') return checkMessageObject(readMessage(cursor), { line, start, number });
  cursor.skipValue();
  return {
    at: start,
    reason: 'INVALID_MESSAGE',
    message: `message ${number} must be an object, it is ${withArticle(kind)}`,
    remedy: 'Write every message as {"role": …, "content": …}.',
  };
}

function readMessage(cursor: JsonCursor): MessageReading {
  const message: MessageReading = { role: undefined, content: undefined, contentKind: 'nothing', hasSubstitute: false };
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const start = cursor.at;
    const kind = cursor.kind();
    const isRole = cursor.keyIs(ROLE);
    const isContent = !isRole && cursor.keyIs(CONTENT);
    if (!isRole && !isContent && kind !== 'null' && isSubstitute(cursor)) message.hasSubstitute = true;
    cursor.skipValue();
    if (isRole) message.role = { start, end: cursor.at };
    if (isContent) {
      message.content = { start, end: cursor.at };
      message.contentKind = kind;
    }
  }
  return message;
}

const isSubstitute = (cursor: JsonCursor): boolean =>
  cursor.keyIs(TOOL_CALLS) || cursor.keyIs(FUNCTION_CALL) || cursor.keyIs(REASONING_CONTENT);

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
  const role = token[0] === 0x22 ? tokenText(token) : token.toString();
  return {
    at: start,
    reason: 'INVALID_ROLE',
    message: `invalid role ${role.slice(0, 100)} in message ${number}, must be 'system', 'user', 'assistant' or 'tool'`,
    remedy: "Use one of the four roles; what others call 'developer' is 'system' here.",
  };
};

function roleOf(line: Buffer, { start, end }: Span): Role | undefined {
  for (const { role, token } of ROLE_TOKENS) {
    if (end - start === token.length && startsWith(line, start, token)) return role;
  }
  // A role that was written with escapes.
  const text = line[start] === 0x22 ? tokenText(line.subarray(start, end)) : undefined;
  return ROLES.find((role) => role === text);
}

function startsWith(line: Buffer, start: number, token: Buffer): boolean {
  for (let index = 0; index < token.length; index++) {
    if (line[start + index] !== token[index]) return false;
  }
  return true;
}

function checkContent(
  { content, contentKind, hasSubstitute }: MessageReading,
  role: Role,
  { start, number }: Place,
): RowFault | undefined {
  if (contentKind === 'string' || contentKind === 'array') return undefined;
  if (contentKind !== 'nothing' && contentKind !== 'null') {
    return {
      at: content?.start ?? start,
      reason: 'INVALID_CONTENT',
      message: `content of message ${number} must be a string or an array of parts, it is ${withArticle(contentKind)}`,
      remedy: 'Write content as a string, or as an array of parts like {"type": "text", "text": …}.',
    };
  }
  if (role === 'assistant' && hasSubstitute) return undefined;
  return {
    at: content?.start ?? start,
    reason: 'MISSING_CONTENT',
    message: `message ${number} (${role}) has no content`,
    remedy: 'Give the message content; only an assistant message with tool_calls can be without.',
  };
}
