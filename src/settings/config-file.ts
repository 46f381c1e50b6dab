/** The config file: YAML, one key per setting. All that is wrong with it is said at once, by line. */
import { readFile } from 'node:fs/promises';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import { fits, SETTINGS, type Setting, toExpectation, toKey } from './settings-table.ts';

/** A text, and where somebody wrote it: `the environment`, `/etc/boatload.yaml:3`. */
export interface Given {
  readonly text: string;
  readonly from: string;
}

/** By the name of the environment variable. */
export async function readConfigFile(path: string): Promise<ReadonlyMap<string, Given>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw refusal(`The config file can't be read: ${messageOf(cause)}`, cause);
  });
  const lines = new LineCounter();
  const { contents, errors } = parseDocument<Node>(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  if (errors.length > 0) throw refusal(errors.map(({ pos: [at], message }) => `${lineOf(at)}: ${message}`).join('\n'));
  if (contents === null) return new Map();
  if (!isMap(contents)) throw refusal(`${path} should hold a setting on each line, like "maxDatasetBytes: 1000000".`);
  const read = contents.items.map((pair) => readPair(pair as Pair<Node, Node | null>, lineOf)); // What a parsed map has.
  const faults = read.flatMap(({ fault }) => fault ?? []);
  if (faults.length > 0) throw refusal(faults.join('\n'));
  return new Map(read.flatMap(({ name, given }) => (given === undefined ? [] : [[name, given]])));
}

interface Read {
  readonly name: string;
  readonly given?: Given;
  readonly fault?: string;
}

/** A key without a value is not set. */
function readPair({ key, value }: Pair<Node, Node | null>, lineOf: (offset: number) => string): Read {
  const from = lineOf(key.range?.[0] ?? 0);
  const said = isScalar(key) ? String(key.value) : '';
  const known = KEYS.get(said);
  if (known === undefined) return { name: said, fault: `${from}: ${said} is not a setting${suggestion(said)}` };
  const { name, setting } = known;
  const text = toText(value, setting);
  if (text === '') return { name };
  if (text !== undefined && fits(setting, text)) return { name, given: { text, from } };
  const came = setting.secret === true ? 'something else' : JSON.stringify(value);
  return { name, fault: `${from}: ${said} should be ${toExpectation(setting)}, got ${came}. Correct it, or leave it out.` };
}

/** Undefined where it is of another kind: `password: 0123` is a number to YAML, and not what was written. */
function toText(value: Node | null, { kind }: Setting): string | undefined {
  if (isSeq<Node>(value)) return kind === 'list' && value.items.every(isText) ? value.items.map(String).join(',') : undefined;
  if (value === null || (isScalar(value) && value.value === null)) return '';
  if (!isScalar(value)) return undefined;
  return kind === 'count' || kind === 'switch' || isText(value) ? String(value.value) : undefined;
}

const isText = (node: Node): boolean => isScalar(node) && typeof node.value === 'string';

const SECRET_FILE: Setting = { kind: 'text', unit: 'the path of a file that holds it', fallback: 'none', meaning: '' };

/** What may stand in a file, by key. */
const KEYS: ReadonlyMap<string, { readonly name: string; readonly setting: Setting }> = new Map(
  Object.entries(SETTINGS).flatMap(([name, setting]) => [
    [toKey(name), { name, setting }],
    ...(setting.secret === true ? [[toKey(`${name}_FILE`), { name: `${name}_FILE`, setting: SECRET_FILE }] as const] : []),
  ]),
);

const FARTHEST = 4;

function suggestion(said: string): string {
  const [nearest] = [...KEYS.keys()]
    .map((key) => ({ key, distance: distanceOf(said.toLowerCase(), key.toLowerCase()) }))
    .toSorted((one, other) => one.distance - other.distance);
  if (nearest === undefined || nearest.distance > FARTHEST) return '. `boatload config` lists all.';
  return `. Did you mean ${nearest.key}?`;
}

/** How many letters differ: Levenshtein's. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [index, wanted] of [...other].entries()) {
      const replaced = (row[index] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const refusal = (message: string, cause?: unknown): Problem =>
  new Problem('INVALID_ARGUMENT', message, { reason: 'CONFIG_INVALID', cause });
