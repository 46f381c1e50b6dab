/** What no part of the server can keep: nothing else may reach a handler. */
import { Problem } from '../base/problem.ts';

/** Deeper than anything sensible, shallower than any stack. */
const MOST_DEPTH = 64;

/** Refuses text that databases don't take (NUL, half of a surrogate pair), and nesting that nobody means, anywhere in a JSON value. */
export function checkText(value: unknown): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: found, depth } = next;
    if (typeof found === 'string') checkString(found);
    if (typeof found !== 'object' || found === null) continue;
    if (depth === MOST_DEPTH) throw tooDeep();
    for (const [key, inner] of Object.entries(found)) {
      checkString(key);
      open.push({ value: inner, depth: depth + 1 });
    }
  }
}

const checkString = (text: string): void => {
  if (text.includes('\0') || !text.isWellFormed()) throw notText();
};

const notText = (): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    'The request has text that is no Unicode text: a NUL character or half of a surrogate pair. Take it out.',
    {
      reason: 'INVALID_TEXT',
    },
  );

const tooDeep = (): Problem =>
  new Problem('INVALID_ARGUMENT', `The request is nested deeper than ${MOST_DEPTH} levels.`, { reason: 'NESTED_TOO_DEEP' });
