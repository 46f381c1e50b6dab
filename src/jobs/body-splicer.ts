import { JsonCursor } from '../jsonl/json-cursor.ts';
import { tokenSays } from '../jsonl/string-token.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { RequestField } from './request-fields.ts';

export interface SplicerOptions {
  readonly model: string;
  /** What rows get that don't say it themselves. */
  readonly fields: readonly RequestField[];
  readonly maxTokensLimit: number;
  readonly systemPrompt: string | undefined;
}

/** The job decides on the model, and a batch keeps whole answers that are there when the request ends. */
const DROPPED = new WordSet(['model', 'stream', 'stream_options', 'background']);
const LIMITED = new WordSet(['max_tokens', 'max_completion_tokens', 'max_output_tokens']);
const MESSAGES = new WordSet(['messages']);
const ROLE = new WordSet(['role']);
const MAX_HEADS = 1000;
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from('}');

/**
 * Rewrites request bodies for one job and one kind of request. What stays is never copied: bytes between two changes are one view of the
 * row's body, commas included.
 */
export class BodySplicer {
  readonly #options: SplicerOptions;
  /** The new body's beginning for a row that has none of the job's fields, as most. */
  readonly #usualHead: Buffer;
  readonly #heads = new Map<string, Buffer>();
  readonly #limit: Buffer;
  readonly #systemMessage: Buffer | undefined;
  /** Index of the job's field that goes by a name. */
  readonly #fieldOf: ReadonlyMap<string, number>;
  readonly #fieldNames: WordSet<string>;
  readonly #cursor = new JsonCursor();
  /** Which of the job's fields the row has itself. */
  readonly #chosen: boolean[];
  #body: Buffer = CLOSE;
  #pieces: Uint8Array[] = [];
  /** Where the bytes begin that are kept but not yet among the pieces; -1 when there are none. */
  #keptFrom = -1;
  #keptTo = 0;

  constructor(options: SplicerOptions) {
    const { systemPrompt } = options;
    this.#options = options;
    this.#usualHead = this.#head(options.fields);
    this.#limit = Buffer.from(String(options.maxTokensLimit));
    this.#fieldOf = new Map(options.fields.flatMap(({ names }, field) => names.map((name) => [name, field] as const)));
    this.#fieldNames = new WordSet([...this.#fieldOf.keys()]);
    this.#chosen = options.fields.map(() => false);
    this.#systemMessage =
      systemPrompt === undefined ? undefined : Buffer.from(JSON.stringify({ role: 'system', content: systemPrompt }));
  }

  /** The new body in pieces; undefined when the old one is not a JSON object. */
  splice(body: Buffer): Uint8Array[] | undefined {
    this.#pieces = [this.#usualHead];
    this.#body = body;
    this.#keptFrom = -1;
    this.#chosen.fill(false);
    this.#cursor.reset(body);
    for (let more = this.#cursor.enterObject(); more; more = this.#cursor.nextMember()) this.#takeMember();
    if (!this.#cursor.finish()) return undefined;
    this.#flush();
    if (this.#chosen.includes(true)) this.#pieces[0] = this.#headWithoutChosen();
    this.#pieces.push(CLOSE);
    return this.#pieces;
  }

  #head(fields: readonly RequestField[]): Buffer {
    const model = Buffer.from(`{"model":${JSON.stringify(this.#options.model)}`);
    return Buffer.concat([model, ...fields.flatMap(({ bytes }) => [COMMA, bytes])]);
  }

  /** Rows of one file mostly choose the same fields. */
  #headWithoutChosen(): Buffer {
    const key = this.#chosen.join();
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const head = this.#head(this.#options.fields.filter((_, at) => !this.#chosen[at]));
    if (this.#heads.size < MAX_HEADS) this.#heads.set(key, head);
    return head;
  }

  #takeMember(): void {
    const cursor = this.#cursor;
    if (cursor.keyIn(DROPPED) !== undefined) {
      this.#flush();
      cursor.skipValue();
      return;
    }
    this.#markChosen();
    if (this.#keptFrom === -1) {
      this.#pieces.push(COMMA);
      this.#keptFrom = cursor.keyAt;
    }
    if (this.#isAboveLimit()) this.#replaceByLimit();
    else if (this.#systemMessage !== undefined && this.#isMessages()) this.#takeMessages(this.#systemMessage);
    else cursor.skipValue();
    this.#keptTo = cursor.at;
  }

  #markChosen(): void {
    const name = this.#cursor.keyIn(this.#fieldNames);
    const field = name === undefined ? undefined : this.#fieldOf.get(name);
    if (field !== undefined) this.#chosen[field] = true;
  }

  #isAboveLimit(): boolean {
    const cursor = this.#cursor;
    if (cursor.keyIn(LIMITED) === undefined) return false;
    return (
      cursor.kind() === 'number' &&
      Number.parseFloat(this.#body.toString('latin1', cursor.at, cursor.at + 32)) > this.#options.maxTokensLimit
    );
  }

  #replaceByLimit(): void {
    this.#keptTo = this.#cursor.at;
    this.#flush();
    this.#pieces.push(this.#limit);
    this.#cursor.skipValue();
  }

  #isMessages(): boolean {
    return this.#cursor.keyIn(MESSAGES) !== undefined && this.#cursor.kind() === 'array';
  }

  /** Puts the job's system prompt in front, unless the row begins with one of its own. */
  #takeMessages(systemMessage: Buffer): void {
    const cursor = this.#cursor;
    const first = cursor.at + 1;
    let count = 0;
    let hasOwn = false;
    for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
      if (count++ === 0) hasOwn = this.#isSystemMessage();
      else cursor.skipValue();
    }
    if (hasOwn) return;
    this.#keptTo = first;
    this.#flush();
    this.#pieces.push(systemMessage);
    if (count > 0) this.#pieces.push(COMMA);
    this.#keptFrom = first;
  }

  /** Passes the message at the cursor. */
  #isSystemMessage(): boolean {
    const cursor = this.#cursor;
    let isSystem = false;
    if (cursor.kind() !== 'object') {
      cursor.skipValue();
      return false;
    }
    for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
      const isRole = cursor.keyIn(ROLE) !== undefined;
      const start = cursor.at;
      cursor.skipValue();
      if (isRole) isSystem = tokenSays(this.#body.subarray(start, cursor.at), 'system');
    }
    return isSystem;
  }

  #flush(): void {
    if (this.#keptFrom !== -1) this.#pieces.push(this.#body.subarray(this.#keptFrom, this.#keptTo));
    this.#keptFrom = -1;
  }
}
