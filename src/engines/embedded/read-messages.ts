/** The messages of a chat request, checked and flattened to text for the template. */
import { type Fields, isFields, refuseOthers, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';
import type { TemplateMessage } from './template.ts';

const ROLES: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool'];
const KNOWN = new Set(['role', 'content', 'name', 'reasoning_content', 'tool_calls', 'tool_call_id']);

export function readMessages(body: Fields): readonly TemplateMessage[] {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) throw wrong('messages', 'a list of at least one message', messages);
  return messages.map(readMessage);
}

function readMessage(message: unknown, index: number): TemplateMessage {
  const where = `messages[${index}]`;
  if (!isFields(message)) throw wrong(where, 'an object', message);
  refuseOthers(message, KNOWN, `${where}.`);
  const { role, content, ...others } = message;
  if (typeof role !== 'string' || !ROLES.includes(role)) throw wrong(`${where}.role`, `one of ${ROLES.join(', ')}`, role);
  const text = readContent(content, `${where}.content`);
  if (text === null && !Array.isArray(others['tool_calls']))
    throw wrong(`${where}.content`, 'a string or a list of parts', content);
  // Templates know no developers: the role is OpenAI's newer name of the system's.
  return { ...others, role: role === 'developer' ? 'system' : role, content: text };
}

function readContent(content: unknown, where: string): string | null {
  if (content === null || content === undefined) return null;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw wrong(where, 'a string or a list of parts', content);
  return content.map((part, index) => readPart(part, `${where}[${index}]`)).join('');
}

function readPart(part: unknown, where: string): string {
  if (!isFields(part)) throw wrong(where, 'an object', part);
  if (part['type'] !== 'text')
    throw new Refusal(`${where} is of type '${String(part['type'])}': the embedded engine reads text only.`, { param: where });
  if (typeof part['text'] !== 'string') throw wrong(`${where}.text`, 'a string', part['text']);
  return part['text'];
}
