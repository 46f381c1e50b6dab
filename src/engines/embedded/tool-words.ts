/** How tools and their calls are told to a model: by its template where that knows them in this form, by words of ours elsewhere. */
import type { Tool } from './read-tools.ts';
import type { ChatTemplate, TemplateInput, TemplateMessage, TemplateWords } from './template.ts';

/** What stands around every call, one line of JSON: the form of Hermes and Qwen. */
export const CALL_OPEN = '<tool_call>';
export const CALL_CLOSE = '</tool_call>';

/** A call in an assistant's message, its arguments as an object where they are one. */
export interface SaidCall {
  readonly id?: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** Other forms inside the same marks. */
const OTHER_FORMS = ['<function=', '<arg_key>'];

/** True when the template itself tells tools, and asks for calls in the form that is read here. */
const knowsTools = (template: TemplateWords): boolean =>
  template.reads('tools') && template.says(CALL_OPEN) && !OTHER_FORMS.some((form) => template.says(form));

/** What the template is given, so that the model sees the tools, the calls of earlier turns, and their results. */
export function tellTools(
  messages: readonly TemplateMessage[],
  tools: readonly Tool[],
  template: TemplateWords & Pick<ChatTemplate, 'tellsSystem'>,
): Omit<TemplateInput, 'variables'> {
  const definitions = tools.map(({ definition }) => definition);
  if (knowsTools(template)) return { messages, ...(tools.length === 0 ? {} : { tools: definitions }) };
  const plain = toPlainMessages(messages);
  if (tools.length === 0) return { messages: plain };
  return { messages: withInstruction(plain, toInstruction(definitions), template.tellsSystem ? 'system' : 'user') };
}

const toInstruction = (definitions: readonly object[]): string => `# Tools
You may call functions. Their signatures:
<tools>
${definitions.map((definition) => JSON.stringify(definition)).join('\n')}
</tools>
To call one, answer with its name and arguments as JSON:
${CALL_OPEN}
{"name": <name>, "arguments": <object>}
${CALL_CLOSE}`;

/** In front of what is said first, or behind what the system says already. */
function withInstruction(
  messages: readonly TemplateMessage[],
  instruction: string,
  role: 'system' | 'user',
): readonly TemplateMessage[] {
  const [first, ...rest] = messages;
  if (first?.role !== role) return [{ role, content: instruction }, ...messages];
  const both = role === 'system' ? [first.content, instruction] : [instruction, first.content];
  return [{ ...first, content: both.join('\n\n') }, ...rest];
}

/** Calls as the text that made them; results in a row as what the user says. */
function toPlainMessages(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const plain: TemplateMessage[] = [];
  for (const [index, { tool_calls: calls, tool_call_id: _, ...message }] of messages.entries()) {
    if (message.role !== 'tool') {
      plain.push(
        calls === undefined ? (message as TemplateMessage) : toSpoken(message as TemplateMessage, calls as readonly SaidCall[]),
      );
      continue;
    }
    const result = `<tool_response>\n${message.content}\n</tool_response>`;
    const before = messages[index - 1]?.role === 'tool' ? plain.pop() : undefined;
    plain.push({ role: 'user', content: before === undefined ? result : `${before.content}\n${result}` });
  }
  return plain;
}

function toSpoken(message: TemplateMessage, calls: readonly SaidCall[]): TemplateMessage {
  const spoken = calls.map((call) => {
    const { name, arguments: given } = call.function;
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    return `${CALL_OPEN}\n{"name": ${JSON.stringify(name)}, "arguments": ${text}}\n${CALL_CLOSE}`;
  });
  return { ...message, content: [message.content, ...spoken].filter((text) => text !== '').join('\n') };
}
