/** The rules of one grammar: named as they come, made one after the other, and looked at before llama.cpp sees them. */
import { GRAMMAR_BASICS } from '../grammar-basics.ts';
import { canBegin, canEnd, type Expression, toGbnf } from './expression.ts';
import { refuse } from './read-keywords.ts';

const MOST_RULES = 5_000;
/** llama.cpp writes every repetition out. */
const MOST_REPEATS = 50_000;

export class Rules {
  readonly #rules = new Map<string, Expression>();
  /** Rules whose names are given and that are not made yet: no chain of them is deeper than the stack. */
  readonly #toMake: { readonly name: string; readonly make: () => Expression }[] = [];

  /** Names a rule that is made later, so that it may speak of itself. */
  name(make: () => Expression): Expression {
    const name = this.#nextName();
    this.#rules.set(name, '');
    this.#toMake.push({ name, make });
    return { rule: name };
  }

  add(expression: Expression): Expression {
    const name = this.#nextName();
    this.#rules.set(name, expression);
    return { rule: name };
  }

  /** The grammar that begins with this; throws a `Refusal` where nothing can be written by it. */
  toText(make: () => Expression): string {
    this.#rules.set('root', make());
    for (let next = this.#toMake.pop(); next !== undefined; next = this.#toMake.pop()) this.#rules.set(next.name, next.make());
    const repeats = [...this.#rules.values()].reduce((sum, expression) => sum + countRepeats(expression), 0);
    if (repeats > MOST_REPEATS) throw refuse(`The JSON schema is too large: its lengths add up to more than ${MOST_REPEATS}.`);
    if (!this.#settle(canEnd).has('root'))
      throw refuse(
        "The JSON schema refers to itself by '$ref' so that no answer to it could end. Let the reference be optional.",
      );
    if (this.#settle(canBegin).size < this.#rules.size)
      throw refuse("The JSON schema uses '$ref' for what is nothing but the reference itself. Say what is referred to.");
    const rules = [...this.#rules].map(([name, expression]) => `${name} ::= ${toGbnf(expression)}`);
    return [...rules, ...Object.entries(GRAMMAR_BASICS).map(([name, rule]) => `${name} ::= ${rule}`), ''].join('\n');
  }

  #nextName(): string {
    if (this.#rules.size >= MOST_RULES)
      throw refuse(`The JSON schema is too large: it takes more than ${MOST_RULES} grammar rules.`);
    return `rule-${this.#rules.size}`;
  }

  /** The rules of which something holds, where it depends on whether it holds of others. */
  #settle(holds: (expression: Expression, settled: ReadonlySet<string>) => boolean): ReadonlySet<string> {
    const settled = new Set<string>();
    const inDoubt = new Map([...this.#rules].toReversed());
    for (let before = -1; before < settled.size; ) {
      before = settled.size;
      for (const [name, expression] of inDoubt) {
        if (!holds(expression, settled)) continue;
        settled.add(name);
        inDoubt.delete(name);
      }
    }
    return settled;
  }
}

function countRepeats(expression: Expression): number {
  if (typeof expression === 'string' || 'rule' in expression) return 0;
  if ('all' in expression) return expression.all.reduce((sum, part) => sum + countRepeats(part), 0);
  if ('any' in expression) return expression.any.reduce((sum, part) => sum + countRepeats(part), 0);
  return countRepeats(expression.repeated) + Math.max(expression.least, expression.most ?? 0);
}
