/** The tools of a chat request, and whether the answer may, must or can't call them. */
import { type Fields, isFields, readBoolean, readFields, readText, refuseOthers, withoutNulls, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';

export interface Tool {
  readonly name: string;
  /** As the request has it, for the template. */
  readonly definition: Fields;
  /** The JSON schema of its arguments. */
  readonly parameters: Fields;
  /** Its calls have to fit the schema. */
  readonly strict: boolean;
  /** The field that says so. */
  readonly where: string;
}

export interface Tools {
  /** Those that the answer may call: empty when there are none, or none is to be called. */
  readonly offered: readonly Tool[];
  /** Those of which the answer has to call one; empty: it may as well speak. */
  readonly demanded: readonly Tool[];
  /** Whether it may call several. */
  readonly several: boolean;
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const CHOICES: readonly unknown[] = ['auto', 'none', 'any', 'required'];
const NO_ARGUMENTS = { type: 'object', properties: {} } as const;

/** Throws a `Refusal` that names what is wrong. */
export function readTools(body: Fields): Tools {
  const tools = readList(body['tools']);
  const several = readBoolean(body, 'parallel_tool_calls') ?? true;
  const choice = body['tool_choice'] ?? 'auto';
  if (isFields(choice)) return { offered: tools, demanded: [readNamed(choice, tools)], several: false };
  if (!CHOICES.includes(choice)) throw wrong('tool_choice', `one of ${CHOICES.join(', ')} or the name of a function`, choice);
  const must = choice === 'required' || choice === 'any';
  if (must && tools.length === 0)
    throw new Refusal("'tool_choice' demands a tool, but 'tools' has none.", { param: 'tool_choice' });
  return { offered: choice === 'none' ? [] : tools, demanded: must ? tools : [], several };
}

function readList(tools: unknown): readonly Tool[] {
  if (tools === undefined) return [];
  if (!Array.isArray(tools)) throw wrong('tools', 'a list of tools', tools);
  const all = tools.map(readTool);
  const twice = all.find(({ name }, index) => all.findIndex((other) => other.name === name) !== index);
  if (twice === undefined) return all;
  throw new Refusal(`Two of the tools are named '${twice.name}'.`, { param: `${twice.where}.name` });
}

function readTool(tool: unknown, index: number): Tool {
  const at = `tools[${index}]`;
  if (!isFields(tool)) throw wrong(at, 'an object', tool);
  refuseOthers(tool, new Set(['type', 'function']), `${at}.`);
  if (tool['type'] !== 'function') throw wrong(`${at}.type`, "'function'", tool['type']);
  const where = `${at}.function`;
  if (!isFields(tool['function'])) throw wrong(where, 'an object', tool['function']);
  const fields = withoutNulls(tool['function']);
  refuseOthers(fields, new Set(['name', 'description', 'parameters', 'strict']), `${where}.`);
  const { name } = fields;
  if (typeof name !== 'string' || !NAME.test(name)) throw wrong(`${where}.name`, '1 to 64 letters, digits, _ and -', name);
  readText(fields, 'description');
  const { strict: _, ...shown } = fields;
  return {
    name,
    definition: { type: 'function', function: shown },
    parameters: readFields(fields, 'parameters') ?? NO_ARGUMENTS,
    strict: readBoolean(fields, 'strict') ?? false,
    where,
  };
}

function readNamed(choice: Fields, tools: readonly Tool[]): Tool {
  refuseOthers(choice, new Set(['type', 'function']), 'tool_choice.');
  if (choice['type'] !== 'function') throw wrong('tool_choice.type', "'function'", choice['type']);
  const name = readFields(choice, 'function')?.['name'];
  const named = tools.find((tool) => tool.name === name);
  if (named !== undefined) return named;
  throw wrong('tool_choice.function.name', `the name of one of the ${tools.length} tools`, name);
}
