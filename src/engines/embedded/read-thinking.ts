/** Whether and how hard to think, in the words of a request and in those of chat templates. */
import { type Fields, isFields, readChoice, readFields, refuseOthers, withoutNulls, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';
import { notDone } from './request-fields.ts';
import { THOUGHT_OPEN } from './split-reasoning.ts';
import type { TemplateMessage, TemplateWords } from './template.ts';

interface Wish {
  /** The field that says so. */
  readonly field: string;
  readonly think: boolean;
  /** How hard, where the request says. */
  readonly effort?: string;
}

const EFFORTS: readonly unknown[] = ['low', 'medium', 'high', 'max', 'none'];
/** What every prompt is made of: nobody's to choose. */
const RESERVED = ['messages', 'tools', 'add_generation_prompt', 'bos_token', 'eos_token'];

/** The variables for the template. Throws a `Refusal` for a wish that this template would pass over. */
export function readThinking(body: Fields, template: TemplateWords): Fields {
  const wish = readWish(body);
  const variables = wish === undefined ? {} : toVariables(wish, template);
  const given = readFields(body, 'chat_template_kwargs') ?? {};
  const stray = Object.keys(given).find((name) => RESERVED.includes(name) || !template.reads(name));
  if (stray === undefined) return { ...variables, ...given };
  const name = `chat_template_kwargs.${stray}`;
  throw new Refusal(`'${name}' can't be set: the model's chat template does not read it.`, { param: name });
}

/** The thinking of earlier turns is the template's business, unless the request wants none of it. */
export function dropReasoning(messages: readonly TemplateMessage[], body: Fields): readonly TemplateMessage[] {
  const history = readChoice(body, 'reasoning_history', ['disabled', 'interleaved', 'preserved']);
  if (history === undefined) return messages;
  if (history !== 'disabled') throw notDone('reasoning_history', "Only 'disabled' is, besides what the model's template does.");
  return messages.map(({ reasoning_content: _, ...message }) => message as TemplateMessage);
}

function readWish(body: Fields): Wish | undefined {
  const { reasoning_effort: effort, thinking } = body;
  if (effort !== undefined && thinking !== undefined)
    throw new Refusal("'thinking' and 'reasoning_effort' can't both be set: give one.", { param: 'reasoning_effort' });
  if (thinking !== undefined) return { field: 'thinking', think: readSwitch(thinking) };
  return effort === undefined ? undefined : readEffort(effort);
}

function readSwitch(value: unknown): boolean {
  if (!isFields(value)) throw wrong('thinking', 'an object', value);
  const { type, ...others } = withoutNulls(value);
  if (type !== 'enabled' && type !== 'disabled') throw wrong('thinking.type', 'one of enabled, disabled', type);
  if ('budget_tokens' in others) throw notDone('thinking.budget_tokens');
  refuseOthers(others, new Set(), 'thinking.');
  return type === 'enabled';
}

function readEffort(effort: unknown): Wish {
  const field = 'reasoning_effort';
  if (typeof effort === 'boolean') return { field, think: effort, ...(effort ? { effort: 'medium' } : {}) };
  if (typeof effort === 'number' && Number.isInteger(effort) && effort > 0)
    throw notDone('reasoning_effort', 'Not as a number of tokens, that is: give a word, or use another engine.');
  if (!EFFORTS.includes(effort)) throw wrong(field, `one of ${EFFORTS.join(', ')}, true or false`, effort);
  return { field, think: effort !== 'none', effort: String(effort) };
}

function toVariables({ field, think, effort }: Wish, template: TemplateWords): Fields {
  const switches = ['enable_thinking', 'thinking'].filter((name) => template.reads(name));
  const level = effort !== undefined && template.reads('reasoning_effort') ? { reasoning_effort: effort } : {};
  const knows = switches.length > 0 || 'reasoning_effort' in level;
  // A model that never thinks does as it is told when it is told not to.
  const never = !template.says(THOUGHT_OPEN) && !template.reads('reasoning_effort');
  if (!knows && (think || !never))
    throw new Refusal(
      `The model's chat template can't turn thinking ${think ? 'on' : 'off'}, as '${field}' asks. Leave it out, or use another model.`,
      { param: field, code: 'unsupported_parameter' },
    );
  return { ...Object.fromEntries(switches.map((name) => [name, think])), ...level };
}
