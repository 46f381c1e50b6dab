/** Writes what a grammar allows, by chance: what a model could answer under it, without a model. Knows the part of GBNF that our grammars use. */

/** One way to go on: one of several, one after the other, again and again, or a character of a class. */
type Node =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'class'; readonly characters: readonly string[] }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly ways: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

type Rules = ReadonlyMap<string, Node>;

const TOKEN = /"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[\w-]+|[()|?*+]/g;
/** Of a class that excludes some characters: what tells code points, code units and escapes apart. */
const TELLING = ['a', 'Z', '7', ' ', 'é', '日', '🙂', '\u2028', '{', '/'];
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const MORE_THAN_LEAST = 3;

/** Makes texts that fit the grammar; `chance` gives numbers from 0 to 1. */
export function writeByGrammar(grammar: string, chance: () => number): string {
  const rules = parseGrammar(grammar);
  return new Writer(rules, measureDepths(rules), chance).write();
}

function parseGrammar(grammar: string): Rules {
  const lines = grammar.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [name = '', ...body] = line.split(' ::= ');
      return [name, parseChoice((body.join(' ::= ').match(TOKEN) ?? []).toReversed())];
    }),
  );
}

/** The tokens stand in reverse: the next one is the last. */
function parseChoice(tokens: string[]): Node {
  const ways = [parseSequence(tokens)];
  while (tokens.at(-1) === '|') {
    tokens.pop();
    ways.push(parseSequence(tokens));
  }
  return { kind: 'choice', ways };
}

function parseSequence(tokens: string[]): Node {
  const parts: Node[] = [];
  for (let next = tokens.at(-1); next !== undefined && next !== '|' && next !== ')'; next = tokens.at(-1))
    parts.push(parseRepeat(tokens));
  return { kind: 'sequence', parts };
}

function parseRepeat(tokens: string[]): Node {
  const part = parseOne(tokens);
  const bounds = readBounds(tokens.at(-1) ?? '');
  if (bounds === undefined) return part;
  tokens.pop();
  return { kind: 'repeat', part, ...bounds };
}

function readBounds(token: string): { readonly least: number; readonly most: number } | undefined {
  if (token === '?') return { least: 0, most: 1 };
  if (token === '*' || token === '+') return { least: token === '+' ? 1 : 0, most: Number.POSITIVE_INFINITY };
  const parts = /^\{(\d+)(,?)(\d*)\}$/.exec(token);
  if (parts === null) return undefined;
  const least = Number(parts[1]);
  if (parts[2] === '') return { least, most: least };
  return { least, most: parts[3] === '' ? Number.POSITIVE_INFINITY : Number(parts[3]) };
}

function parseOne(tokens: string[]): Node {
  const token = tokens.pop() ?? '';
  if (token.startsWith('"')) return { kind: 'literal', text: readCharacters(token).join('') };
  if (token.startsWith('[')) return { kind: 'class', characters: readClass(token) };
  if (token !== '(') return { kind: 'rule', name: token };
  const inside = parseChoice(tokens);
  tokens.pop();
  return inside;
}

const readCharacters = (quoted: string): string[] =>
  Array.from(quoted.slice(1, -1).matchAll(/\\x([0-9A-F]{2})|\\(.)|(.)/gsu), ([, hex, escaped, plain = '']) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return escaped === undefined ? plain : (ESCAPES[escaped] ?? escaped);
  });

function readClass(token: string): readonly string[] {
  const excluded = token.startsWith('[^');
  const characters = readCharacters(excluded ? token.slice(1) : token);
  // A minus is a range only between two characters.
  const listed = characters.flatMap((character, at) =>
    character === '-' && at > 0 && at < characters.length - 1 ? toRange(characters[at - 1], characters[at + 1]) : [character],
  );
  return excluded ? TELLING.filter((character) => !listed.includes(character)) : listed;
}

function toRange(first = '', last = ''): string[] {
  const from = first.charCodeAt(0);
  return Array.from({ length: last.charCodeAt(0) - from + 1 }, (_, index) => String.fromCharCode(from + index));
}

/** How many rules inside each other every rule takes at least: the way out of those that refer to themselves. */
function measureDepths(rules: Rules): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (let before = -1; before < depths.size; ) {
    before = depths.size;
    for (const [name, node] of [...rules].filter(([known]) => !depths.has(known))) {
      const depth = depthOf(node, depths);
      if (Number.isFinite(depth)) depths.set(name, depth + 1);
    }
  }
  return depths;
}

function depthOf(node: Node, depths: ReadonlyMap<string, number>): number {
  if (node.kind === 'rule') return depths.get(node.name) ?? Number.POSITIVE_INFINITY;
  if (node.kind === 'sequence') return Math.max(0, ...node.parts.map((part) => depthOf(part, depths)));
  if (node.kind === 'choice') return Math.min(...node.ways.map((way) => depthOf(way, depths)));
  return node.kind === 'repeat' && node.least > 0 ? depthOf(node.part, depths) : 0;
}

const DEEP = 12;

class Writer {
  readonly #rules: Rules;
  readonly #depths: ReadonlyMap<string, number>;
  readonly #chance: () => number;

  constructor(rules: Rules, depths: ReadonlyMap<string, number>, chance: () => number) {
    this.#rules = rules;
    this.#depths = depths;
    this.#chance = chance;
  }

  write(): string {
    return this.#write({ kind: 'rule', name: 'root' }, 0);
  }

  #write(node: Node, depth: number): string {
    switch (node.kind) {
      case 'literal':
        return node.text;
      case 'class':
        return this.#pick(node.characters);
      case 'rule':
        return this.#write(this.#ruleOf(node.name), depth + 1);
      case 'sequence':
        return node.parts.map((part) => this.#write(part, depth)).join('');
      case 'choice':
        return this.#write(this.#pick(depth < DEEP ? node.ways : this.#shortest(node.ways)), depth);
      case 'repeat': {
        const more = depth < DEEP ? Math.min(node.most - node.least, MORE_THAN_LEAST) : 0;
        const count = node.least + Math.floor(this.#chance() * (more + 1));
        return Array.from({ length: count }, () => this.#write(node.part, depth)).join('');
      }
    }
  }

  #ruleOf(name: string): Node {
    const rule = this.#rules.get(name);
    if (rule === undefined || !this.#depths.has(name)) throw new Error(`Nothing can be written by the rule ${name}.`);
    return rule;
  }

  #shortest(ways: readonly Node[]): readonly Node[] {
    const least = Math.min(...ways.map((way) => depthOf(way, this.#depths)));
    return ways.filter((way) => depthOf(way, this.#depths) === least);
  }

  #pick<Entry>(entries: readonly Entry[]): Entry {
    const picked = entries[Math.floor(this.#chance() * entries.length)];
    if (picked === undefined) throw new Error('There is nothing to choose from.');
    return picked;
  }
}
