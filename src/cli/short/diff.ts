/** `boatload diff`: the rows that two jobs answered differently. Both are read side by side; only rows that the other one hasn't got to yet are held. */
import type { ConnectionFlags } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { formatCount } from '../figures.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { type AnswerRow, readRows } from './answers.ts';

/** Its flags as they were given. */
export interface DiffFlags extends ConnectionFlags {
  readonly n: number;
  readonly json?: true;
}

/** What a job says to a row. */
interface Said {
  readonly id: string;
  /** Its choices' messages or its error, as JSON: ids, times and token counts differ without meaning anything. */
  readonly text: string;
}

/** A row with what each of two jobs said; null is nothing. */
interface Pair {
  readonly id: string;
  readonly said: readonly [string | null, string | null];
}

const SHOWN_LENGTH = 200;

/** Prints differences and their number; answers 1 when there are any, as `diff` does. */
export async function diff(names: readonly [string, string], flags: DiffFlags, host: Host): Promise<number> {
  return withSession(host, flags, async ({ client }) => {
    const sides = await Promise.all(names.map(async (name) => said(readRows(client, await client.jobs.get(name)))));
    const count = { same: 0, different: 0, missing: 0 };
    for await (const pair of pairUp(sides)) {
      const kind = kindOf(pair);
      count[kind] += 1;
      if (kind === 'same') continue;
      if (flags.json)
        host.stdout.write(`${JSON.stringify({ custom_id: pair.id, a: parse(pair.said[0]), b: parse(pair.said[1]) })}\n`);
      else if (count.different + count.missing <= flags.n) host.stdout.write(pairText(pair));
    }
    const { same, different, missing } = count;
    const words = `${formatCount(same)} the same, ${formatCount(different)} different, ${formatCount(missing)} in only one of them`;
    host[flags.json ? 'stderr' : 'stdout'].write(`${words}\n`);
    return different + missing === 0 ? EXIT.ok : EXIT.failure;
  });
}

async function* said(rows: AsyncIterable<AnswerRow>): AsyncGenerator<Said> {
  for await (const { line } of rows) {
    const { custom_id, response, error } = JSON.parse(line.toString());
    const choices = response?.choices?.map((choice: { message?: unknown }) => choice.message ?? choice);
    yield { id: String(custom_id), text: JSON.stringify(error === undefined ? (choices ?? response) : { error: error.message }) };
  }
}

/** Reads both sides in turn; what one has said waits until the other has, too. */
async function* pairUp(sides: readonly AsyncGenerator<Said>[]): AsyncGenerator<Pair> {
  const waiting: readonly [Map<string, string>, Map<string, string>] = [new Map(), new Map()];
  const open = new Set(sides.keys());
  while (open.size > 0) {
    for (const side of open) {
      const next = await sides[side]?.next();
      if (next === undefined || next.done === true) open.delete(side);
      else {
        const pair = meet(waiting, side, next.value);
        if (pair !== undefined) yield pair;
      }
    }
  }
  for (const [id, text] of waiting[0]) yield { id, said: [text, null] };
  for (const [id, text] of waiting[1]) yield { id, said: [null, text] };
}

function meet(waiting: readonly [Map<string, string>, Map<string, string>], side: number, { id, text }: Said): Pair | undefined {
  const [mine, others] = side === 0 ? waiting : [waiting[1], waiting[0]];
  const other = others.get(id);
  if (other === undefined) {
    mine.set(id, text);
    return undefined;
  }
  others.delete(id);
  return { id, said: side === 0 ? [text, other] : [other, text] };
}

const kindOf = ({ said: [a, b] }: Pair): 'same' | 'different' | 'missing' => {
  if (a === null || b === null) return 'missing';
  return a === b ? 'same' : 'different';
};

const pairText = ({ id, said: [a, b] }: Pair): string => `${id}\n  a  ${shown(a)}\n  b  ${shown(b)}\n`;

/** The words of a single plain answer, else the JSON. */
function shown(text: string | null): string {
  if (text === null) return '(nothing)';
  const [first, ...others] = [parse(text)].flat();
  const content = others.length === 0 && typeof first?.content === 'string' ? JSON.stringify(first.content) : text;
  return content.length <= SHOWN_LENGTH ? content : `${content.slice(0, SHOWN_LENGTH - 1)}…`;
}

const parse = (text: string | null) => (text === null ? null : JSON.parse(text));
