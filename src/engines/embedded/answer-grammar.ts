/** The grammar of a whole chat answer: thinking that may come first, text, calls of tools, or what `response_format` asks for. */
import type { Fields } from './fields.ts';
import { toLiteral } from './grammar-basics.ts';
import { makeJsonSchemaGrammar } from './json-schema-grammar.ts';
import type { Tool, Tools } from './read-tools.ts';
import { Refusal } from './refusal.ts';
import { THOUGHT_CLOSE, THOUGHT_OPEN } from './split-reasoning.ts';
import { CALL_CLOSE, CALL_OPEN } from './tool-words.ts';

/** Whether the answer begins inside a thought, may begin with one, or has none. */
export type Thought = 'begun' | 'maybe' | 'none';

interface Wishes {
  readonly tools: Tools;
  /** The grammar of `response_format`. */
  readonly format: string | undefined;
  readonly thought: Thought;
}

/** Undefined when any text will do. Throws a `Refusal` for wishes that contradict each other. */
export function toAnswerGrammar({ tools, format, thought }: Wishes): string | undefined {
  if (thought === 'none' && tools.offered.length === 0) return format;
  const body = toBody(tools, format);
  if (body === undefined) return undefined;
  if (thought === 'none') return [`root ::= answer`, ...body].join('\n');
  const root = thought === 'begun' ? 'root ::= thought-0' : `root ::= ${toLiteral(THOUGHT_OPEN)} thought-0 | answer`;
  const rest = 'after-thought ::= [ \\n]{0,4} answer';
  return [root, rest, ...untilMark('thought', THOUGHT_CLOSE, 'after-thought'), ...body].join('\n');
}

/** Rules of which `answer` is the first. */
function toBody({ offered, demanded, several }: Tools, format: string | undefined): readonly string[] | undefined {
  if (demanded.length > 0) {
    if (format === undefined) return [`answer ::= ${toCalls(several)}`, ...toCallRules(demanded)];
    throw new Refusal("'response_format' can't be held by an answer that has to call a tool, as 'tool_choice' demands.", {
      param: 'response_format',
    });
  }
  if (format !== undefined) {
    if (offered.length === 0) return ['answer ::= format-root', renamed(format, 'format-')];
    return [`answer ::= format-root | ${toCalls(several)}`, renamed(format, 'format-'), ...toCallRules(offered)];
  }
  if (!offered.some(({ strict }) => strict)) return undefined;
  const next = several ? '(call-rest text-0)' : 'call-rest';
  return ['answer ::= text-0', ...untilMark('text', CALL_OPEN, next, true), ...toCallRules(offered)];
}

const toCalls = (several: boolean): string => (several ? 'call ("\\n" call)*' : 'call');

/** A call of one of the tools, with arguments that fit its schema. */
function toCallRules(tools: readonly Tool[]): readonly string[] {
  const bodies = tools.map(({ name }, index) => `${toLiteral(`{"name": "${name}", "arguments": `)} tool-${index}-root "}"`);
  return [
    `call ::= ${toLiteral(CALL_OPEN)} call-rest`,
    `call-rest ::= "\\n" (${bodies.join(' | ')}) ${toLiteral(`\n${CALL_CLOSE}`)}`,
    ...tools.map((tool, index) => renamed(toParametersGrammar(tool), `tool-${index}-`)),
  ];
}

function toParametersGrammar({ parameters, where }: Tool): string {
  try {
    return makeJsonSchemaGrammar(toObjectSchema(parameters));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const param = `${where}.parameters`;
    throw new Refusal(`'${param}': ${error.message}`, { param, code: 'unsupported_json_schema' });
  }
}

/** Arguments are an object, also where a schema leaves that unsaid. */
const toObjectSchema = (parameters: Fields): Fields =>
  Object.keys(parameters).length === 0 ? { type: 'object', properties: {} } : parameters;

/** Literals and classes keep what they hold; every other name gets the prefix. */
const renamed = (grammar: string, prefix: string): string =>
  grammar.replace(
    /("(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\n]*)|[A-Za-z][\w-]*/g,
    (text: string, kept: string | undefined) => kept ?? prefix + text,
  );

/** Text up to a mark, then the next rule. The mark's first character must stand in it once only. `mayEnd`: the mark may never come. */
function untilMark(name: string, mark: string, next: string, mayEnd = false): readonly string[] {
  const [first = ''] = mark;
  const end = mayEnd ? ' | ""' : '';
  return Array.from(mark, (character, index) => {
    const onward = index === mark.length - 1 ? next : `${name}-${index + 1}`;
    const others = index === 0 ? `[^${first}] ${name}-0` : `[^${first}${character}] ${name}-0 | ${toLiteral(first)} ${name}-1`;
    return `${name}-${index} ::= ${toLiteral(character)} ${onward} | ${others}${end}`;
  });
}
