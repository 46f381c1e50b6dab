/** Looks at a grammar of a request before llama.cpp does, which expands repetitions in memory: a `{3,1}` takes all that the machine has. */
import { Refusal } from './refusal.ts';

const MOST_CHARACTERS = 64_000;
const MOST_REPEATS = 4_000;
/** Literals and classes hold braces that mean themselves; comments hold anything. */
const QUOTED = /"(?:\\.|[^"\\\n])*"|\[(?:\\.|[^\]\\\n])*\]|#[^\n]*/g;
const REPETITION = /\{([^}]*)\}?/g;

/** Throws a `Refusal` for a grammar that is too long, repeats too much or repeats nonsense. */
export function checkGrammar(grammar: string): void {
  if (grammar.length > MOST_CHARACTERS)
    throw refuse(`it has ${grammar.length} characters, and at most ${MOST_CHARACTERS} are taken`);
  const repetitions = grammar.replace(QUOTED, '""').matchAll(REPETITION);
  const sum = Array.from(repetitions, ([text, inner = '']) => readCount(text, inner)).reduce((total, count) => total + count, 0);
  if (sum > MOST_REPEATS) throw refuse(`its repetitions add up to ${sum}, and at most ${MOST_REPEATS} are taken`);
}

function readCount(text: string, inner: string): number {
  const parts = /^\s*(\d{1,6})\s*(?:(,)\s*(\d{1,6})?\s*)?$/.exec(inner);
  if (parts === null || !text.endsWith('}')) throw refuse(`'${text}' is no repetition: expected {3}, {3,} or {3,5}`);
  const least = Number(parts[1]);
  const most = parts[3] === undefined ? least : Number(parts[3]);
  if (most < least) throw refuse(`'${text}' ends before it begins`);
  return most;
}

const refuse = (why: string): Refusal => new Refusal(`The grammar is not taken: ${why}.`, { param: 'response_format' });
