/** One engine that the database names, as it stands there: opened where it is in use, and what this process has to say of it. */
import { openSealedKey } from '../actions/seal-key.ts';
import { makeName } from '../contract/names.ts';
import type { Engine, ReportedModel, StoredModel } from '../db/schema.ts';
import { Budget } from '../engines/budget.ts';
import { classifyReply, type Verdict } from '../engines/classify-failure.ts';
import { openUpstream, type Upstream } from '../engines/upstream.ts';
import type { ShelvedModel } from './model-room.ts';
import type { ShelfStatus } from './model-shelf.ts';

/** Engines of many models: the report says what is not as usual. */
const MOST_QUIET = 20;

export class SharedEngine {
  readonly row: Engine;
  /** Undefined while it is not in use. */
  readonly upstream: Upstream | undefined;
  readonly budget: Budget | undefined;
  /** What it serves; served is none of it while it is drained or can't be opened. */
  readonly models: readonly ShelvedModel[];
  /** Why it can't be opened; empty when it can. */
  readonly trouble: string;
  readonly #since = new Date().toISOString();

  constructor(row: Engine, secret: Uint8Array) {
    this.row = row;
    const apiKey = row.sealedKey === null ? undefined : openSealedKey(secret, row, row.sealedKey);
    this.trouble = row.sealedKey !== null && apiKey === undefined ? KEY_UNREADABLE : '';
    this.upstream = row.draining || this.trouble !== '' ? undefined : toUpstream(row, apiKey);
    this.budget = toBudget(row);
    this.models = row.models.map((model) => this.#toShelved(model));
  }

  /** Tells it from others, whatever becomes of it. */
  get key(): string {
    return `${this.row.accountId}/${this.row.id}`;
  }

  /** True when the row says nothing that would make it another engine. */
  is(row: Engine): boolean {
    return toIdentity(row) === toIdentity(this.row);
  }

  /** Asks it how it is: undefined where that can't be told. */
  async ask(): Promise<Verdict | undefined> {
    if (this.upstream === undefined) return undefined;
    const verdict = classifyReply(await this.upstream.question());
    const isIll = verdict.status === undefined || verdict.status >= 500 || verdict.cause === 'key-refused';
    // Not every engine lists its models, and some count how often it is asked.
    return isIll ? verdict : { verdict: 'success', cause: 'ok', message: '', refused: false };
  }

  /** What this process has to say of its models. */
  report(statuses: readonly ShelfStatus[]): readonly ReportedModel[] {
    if (this.trouble !== '') return this.row.models.slice(0, 1).map(({ id }) => this.#unopened(id));
    const own = statuses.filter(({ of }) => this.upstream !== undefined && of.engine === this.upstream).map(toReported);
    return own.length <= MOST_QUIET ? own : [...own.filter(isNews), ...own.filter((model) => !isNews(model)).slice(0, 1)];
  }

  async close(): Promise<void> {
    await this.upstream?.close();
  }

  #toShelved({ id, servedAs, contextLength, paths }: StoredModel): ShelvedModel {
    const { row, upstream, budget } = this;
    const engineModel = {
      id: servedAs,
      ...(contextLength !== undefined && { contextLength }),
      ...(paths !== undefined && { paths }),
    };
    return {
      name: makeName(row.accountId, 'models', id),
      served: upstream !== undefined,
      precision: 'PRECISION_UNSPECIFIED',
      ...(contextLength !== undefined && { contextLength }),
      open: async () => {
        if (upstream === undefined) throw new Error(`Engine ${this.key} is not in use.`);
        const bounds = { ...(row.maxInFlight !== null && { limit: row.maxInFlight }), ...(budget && { budget }) };
        return { engine: upstream, model: engineModel, ...bounds };
      },
    };
  }

  #unopened(id: string): ReportedModel {
    return { id, state: 'broken', why: this.trouble, limit: 0, inFlight: 0, inUse: false, since: this.#since, lastError: null };
  }
}

const KEY_UNREADABLE = "Its key was kept under another secret of the server, and can't be read with this one. Give it again.";

const toUpstream = ({ url, slots }: Engine, apiKey: string | undefined): Upstream =>
  openUpstream({ baseUrl: url, guarded: true, ...(apiKey && { apiKey }), ...(slots !== null && { slots }) });

const toBudget = ({ requestsPerMinute, tokensPerMinute }: Engine): Budget | undefined =>
  requestsPerMinute === null && tokensPerMinute === null
    ? undefined
    : new Budget({ requestsPerMinute: requestsPerMinute ?? undefined, tokensPerMinute: tokensPerMinute ?? undefined });

/** What people call it may change, and when. */
const toIdentity = ({ displayName: _, createdBy: __, createdAt: ___, updatedAt: ____, ...row }: Engine): string =>
  JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** In characters: what an engine says may be long, and is reported again and again. */
const MOST_WORDS = 1_000;

const toReported = ({ name, state, why, limit, inFlight, inUse, since, lastError }: ShelfStatus): ReportedModel => ({
  id: name.slice(name.lastIndexOf('/') + 1),
  state,
  why: why.slice(0, MOST_WORDS),
  limit,
  inFlight,
  inUse,
  since: since.toISOString(),
  lastError: lastError === undefined ? null : { message: lastError.message.slice(0, MOST_WORDS), at: lastError.at.toISOString() },
});

const isNews = ({ state, inFlight }: ReportedModel): boolean => state !== 'ready' || inFlight > 0;
