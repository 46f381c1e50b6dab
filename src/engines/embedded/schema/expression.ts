/** What a rule of a grammar says, as a tree: so that it can be asked whether it ever ends before it becomes GBNF. */
export type Expression =
  /** GBNF that stands by itself: literals, and rules that are known to end. */
  | string
  | { readonly rule: string }
  | { readonly all: readonly Expression[] }
  | { readonly any: readonly Expression[] }
  | { readonly repeated: Expression; readonly least: number; readonly most?: number | undefined };

export const all = (...parts: readonly Expression[]): Expression => ({ all: parts });

export const any = (parts: readonly Expression[]): Expression =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : { any: parts };

export const optional = (part: Expression): Expression => ({ repeated: part, least: 0, most: 1 });

/** The tree in GBNF, safe to stand beside others. */
export function toGbnf(expression: Expression): string {
  if (typeof expression === 'string') return expression;
  if ('rule' in expression) return expression.rule;
  if ('all' in expression) return expression.all.map(toGbnf).join(' ');
  if ('any' in expression) return `(${expression.any.map(toGbnf).join(' | ')})`;
  return `(${toGbnf(expression.repeated)}){${expression.least},${expression.most ?? ''}}`;
}

/** Whether something can be written by it that ends, given the rules that do. */
export function canEnd(expression: Expression, ending: ReadonlySet<string>): boolean {
  if (typeof expression === 'string') return true;
  if ('rule' in expression) return ending.has(expression.rule);
  if ('all' in expression) return expression.all.every((part) => canEnd(part, ending));
  if ('any' in expression) return expression.any.some((part) => canEnd(part, ending));
  return expression.least === 0 || canEnd(expression.repeated, ending);
}

/** Whether it writes a character before it comes back to itself, given the rules that do: llama.cpp takes no others. */
export function canBegin(expression: Expression, beginning: ReadonlySet<string>): boolean {
  if (typeof expression === 'string') return true;
  if ('rule' in expression) return beginning.has(expression.rule);
  if ('all' in expression) return expression.all.slice(0, 1).every((part) => canBegin(part, beginning));
  if ('any' in expression) return expression.any.every((part) => canBegin(part, beginning));
  return canBegin(expression.repeated, beginning);
}
