/** The messages of a chat request, checked and flattened to text for the template. */
import { type Fields, isFields, readText, refuseOthers, withoutNulls, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';
import type { TemplateMessage } from './template.ts';
import type { SaidCall } from './tool-words.ts';

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
  const { role, content, tool_calls: said, ...others } = withoutNulls(message);
  if (typeof role !== 'string' || !ROLES.includes(role)) throw wrong(`${where}.role`, `one of ${ROLES.join(', ')}`, role);
  for (const [name, value] of Object.entries(others))
    if (typeof value !== 'string') throw wrong(`${where}.${name}`, 'a string', value);
  const calls = said === undefined ? undefined : readCalls(said, { role, where: `${where}.tool_calls` });
  if (content === undefined && calls === undefined)
    throw wrong(`${where}.content`, 'a string or a list of parts', message['content']);
  return {
    ...others,
    // Templates know no developers: the role is OpenAI's newer name of the system's.
    role: role === 'developer' ? 'system' : role,
    content: content === undefined ? '' : readContent(content, `${where}.content`),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  };
}

function readCalls(calls: unknown, { role, where }: { readonly role: string; readonly where: string }): readonly SaidCall[] {
  if (role !== 'assistant') throw new Refusal(`'${where}': only an assistant calls tools.`, { param: where });
  if (!Array.isArray(calls) || calls.length === 0) throw wrong(where, 'a list of at least one call', calls);
  return calls.map((call: unknown, index) => readCall(call, `${where}[${index}]`));
}

/** Streams number their calls, and clients send that back. */
const CALL_FIELDS = new Set(['id', 'type', 'function', 'index']);

function readCall(call: unknown, where: string): SaidCall {
  if (!isFields(call)) throw wrong(where, 'an object', call);
  refuseOthers(call, CALL_FIELDS, `${where}.`);
  const id = readText(call, 'id');
  if ((call['type'] ?? 'function') !== 'function') throw wrong(`${where}.type`, "'function'", call['type']);
  const said = call['function'];
  if (!isFields(said)) throw wrong(`${where}.function`, 'an object', said);
  refuseOthers(said, new Set(['name', 'arguments']), `${where}.function.`);
  const { name, arguments: given } = said;
  if (typeof name !== 'string') throw wrong(`${where}.function.name`, 'a string', name);
  if (typeof given !== 'string') throw wrong(`${where}.function.arguments`, 'a string', given);
  return { ...(id === undefined ? {} : { id }), type: 'function', function: { name, arguments: toArguments(given) } };
}

/** Templates want an object; what is none was broken when it was said, and is told as it was. */
function toArguments(text: string): unknown {
  try {
    const given: unknown = JSON.parse(text);
    return isFields(given) ? given : text;
  } catch {
    return text;
  }
}

function readContent(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw wrong(where, 'a string or a list of parts', content);
  return content.map((part, index) => readPart(part, `${where}[${index}]`)).join('');
}

function readPart(part: unknown, where: string): string {
  if (!isFields(part)) throw wrong(where, 'an object', part);
  if (part['type'] !== 'text')
    throw new Refusal(`${where} is of type '${String(part['type'])}': the embedded engine reads text only.`, { param: where });
  refuseOthers(part, new Set(['type', 'text']), `${where}.`);
  if (typeof part['text'] !== 'string') throw wrong(`${where}.text`, 'a string', part['text']);
  return part['text'];
}
