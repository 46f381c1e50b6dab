/** Which model each row of a job runs on, and whether that answers requests of the row's kind. */
import { QUOTE } from '../jsonl/ascii.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import type { RowFault } from './bad-line.ts';
import { DEFAULT_PATH } from './row-format.ts';

/** What planning knows of a model. */
export interface PlannedModel {
  /** Full resource name. */
  readonly name: string;
  /** False while no engine serves it. */
  readonly served: boolean;
  readonly precision: string;
  /** What its shards are leased by where that is not its name: it runs in a precision of the job's choice. */
  readonly lane?: string | undefined;
  /** Tokens of prompt and answer together, when known. */
  readonly contextLength?: number | undefined;
  /** The request paths that its engines answer; undefined while that isn't known, which is as good as all. */
  readonly paths?: readonly string[] | undefined;
}

export interface RowModelsOptions {
  /** The job's model, for rows that name none. */
  readonly own?: PlannedModel | undefined;
  /** Finds the model that a row means; without it rows have no say. */
  readonly find?: ((name: string) => PlannedModel | undefined) | undefined;
}

/** What a row runs on: the model's number among those that were found, or why there is none. */
export type ModelChoice = number | RowFault;

/** Names beyond these are looked up each time: whoever writes a new one on every line fills no memory. */
const MAX_KNOWN = 1_000;
const NO_TOKEN = Buffer.alloc(0);

export class RowModels {
  readonly #options: RowModelsOptions;
  readonly #found: PlannedModel[] = [];
  readonly #known = new Map<string, ModelChoice>();
  /** What rows want of models of which it isn't known whether they can, by number. */
  readonly #wanted = new Map<number, Set<string>>();
  /** Rows mostly name the model that the row before has named. */
  #lastToken = NO_TOKEN;
  #lastChoice: ModelChoice = MISSING;

  constructor(options: RowModelsOptions) {
    this.#options = options;
    if (options.own !== undefined) this.#found.push(options.own);
  }

  /** The models by their numbers. The job's own is the first, where it has one. */
  get found(): readonly PlannedModel[] {
    return this.#found;
  }

  /** Models of which rows want what not every model can, while it isn't known what these can. */
  get unsure(): readonly PlannedModel[] {
    return this.#found.filter((_, number) => this.#wanted.has(number));
  }

  /** Notes what a model's engines answer. False when rows want more than that: all of them are to be judged again. */
  learn(name: string, paths: readonly string[]): boolean {
    const number = this.#found.findIndex((model) => model.name === name);
    const model = this.#found[number];
    if (model !== undefined) this.#found[number] = { ...model, paths };
    const wanted = this.#wanted.get(number) ?? new Set();
    this.#wanted.delete(number);
    return wanted.isSubsetOf(new Set(paths));
  }

  /** `token` is the value of the body's `model`, as it is written. */
  choose(line: Buffer, token: Span | undefined, path: string): ModelChoice {
    const choice = this.#options.find === undefined ? OWN : this.#chooseNamed(line, token);
    if (typeof choice !== 'number') return choice;
    const paths = this.#found[choice]?.paths;
    if (paths?.includes(path)) return choice;
    if (paths !== undefined) return { ...this.#cannot(choice, path), ...placeOf(token) };
    if (path !== DEFAULT_PATH) this.#want(choice, path);
    return choice;
  }

  #want(choice: number, path: string): void {
    const wanted = this.#wanted.get(choice);
    if (wanted === undefined) this.#wanted.set(choice, new Set([path]));
    else wanted.add(path);
  }

  #chooseNamed(line: Buffer, token: Span | undefined): ModelChoice {
    if (token === undefined) return this.#options.own === undefined ? MISSING : OWN;
    const { start, end } = token;
    const { length } = this.#lastToken;
    if (length === end - start && line.compare(this.#lastToken, 0, length, start, end) === 0) return this.#lastChoice;
    const choice = this.#look(line.subarray(start, end));
    if (typeof choice !== 'number') return { ...choice, at: start };
    this.#lastToken = Buffer.from(line.subarray(start, end));
    this.#lastChoice = choice;
    return choice;
  }

  #look(token: Buffer): ModelChoice {
    if (token[0] !== QUOTE) return INVALID;
    const name = tokenText(token);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const choice = this.#find(name);
    if (this.#known.size < MAX_KNOWN) this.#known.set(name, choice);
    return choice;
  }

  #find(name: string): ModelChoice {
    const model = this.#options.find?.(name);
    if (model === undefined) return notFound(name);
    if (!model.served) return notServed(model);
    const number = this.#found.findIndex((found) => found.name === model.name);
    return number === -1 ? this.#found.push(model) - 1 : number;
  }

  #cannot(choice: number, path: string): RowFault {
    const { name, paths = [] } = this.#found[choice] ?? {};
    return {
      reason: 'ENDPOINT_NOT_SERVED',
      message: `${name} answers ${paths.join(', ') || 'no requests'}, not ${path}`,
      remedy: 'Send the row to an endpoint that the model answers, or name a model that answers this one.',
    };
  }
}

/** The number of the job's own model. */
const OWN = 0;

const placeOf = (token: Span | undefined): { readonly at?: number } => (token === undefined ? {} : { at: token.start });

const REMEDY = 'Give the body a "model" that this account may use, by its id or its full name; GET /v1/models lists them.';

const MISSING: RowFault = { reason: 'MISSING_MODEL', message: 'the body names no model', remedy: REMEDY };
const INVALID: RowFault = { reason: 'INVALID_MODEL', message: 'model must be a string', remedy: REMEDY };

const notFound = (name: string): RowFault => ({
  reason: 'MODEL_NOT_FOUND',
  message: `there is no model "${name.slice(0, 200).toWellFormed()}"`,
  remedy: REMEDY,
});

const notServed = ({ name }: PlannedModel): RowFault => ({
  reason: 'MODEL_NOT_SERVED',
  message: `no engine serves ${name} at the moment`,
  remedy: 'Start an engine that serves the model, then create the job again.',
});
