/** A job's rows as they are committed, each once, in pages that are whole or not there: a page that breaks off is asked for again. */
import type { ResultKind } from '../contract/job-results.ts';
import { RESULT_HEADERS } from '../contract/results-headers.ts';
import type { CallOptions, Transport } from './transport.ts';
import { waitUntil } from './wait.ts';

/** Large enough to be worth a call, small enough to be kept until it is whole. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** Which rows, and from where on. */
export interface ResultsOptions extends CallOptions {
  /** `answers`, `errors`, or both: `all`. Default `all`. */
  readonly kind?: ResultKind | undefined;
  /** Where to go on: `nextPageToken` of a page of the same job and kind, of an earlier program even. Default: with the first row. */
  readonly pageToken?: string | undefined;
  /** Bytes at which a page ends; the server rounds up to whole commits of some 4 MB. Default 8 MiB. */
  readonly pageBytes?: number | undefined;
  /** Go on until the job has ended. Default false: until there is nothing new. */
  readonly follow?: boolean | undefined;
  /** With `follow`, milliseconds between two looks for new rows. Default: 250 at first, growing to 3,000, anew after each page. */
  readonly intervalMs?: number | undefined;
}

/** A row that was run: it has an answer, or an error. */
export type ResultRow = AnsweredRow | FailedRow;

/** The engine's answer, as it came. */
export interface AnsweredRow {
  readonly custom_id: string;
  readonly response: Readonly<Record<string, unknown>>;
  readonly error?: undefined;
}

/** Why a row has no answer; `code` is an HTTP status. */
export interface FailedRow {
  /** Null where the line had none that could be used. */
  readonly custom_id: string | null;
  readonly response?: undefined;
  readonly error: { readonly code: number; readonly message: string; readonly type: string };
}

/** Rows that came together. */
export interface ResultsPage {
  /** JSON lines, each with its end; empty when nothing is new. */
  readonly text: string;
  /** True when the job has ended and these are the last of its rows. */
  readonly isComplete: boolean;
  /** To keep, and to go on after these rows with; absent when that is all. */
  readonly nextPageToken?: string;
}

/** A job's rows, asked for as far as they are walked. */
export interface Results extends AsyncIterable<ResultRow> {
  /** At least one page, maybe an empty one. */
  pages(): AsyncIterable<ResultsPage>;
}

/** Makes them; nothing is asked before they are walked. */
export function makeResults(transport: Transport, path: string, options: ResultsOptions = {}): Results {
  const { kind, pageBytes: maxBytes = PAGE_BYTES, follow = false, signal, intervalMs } = options;

  /** Looks for what is behind a place. */
  const readPage = async (pageToken: string | undefined): Promise<ResultsPage> => {
    const { text, headers } = await transport.requestText({ method: 'GET', path, query: { kind, maxBytes, pageToken }, signal });
    const nextPageToken = headers.get(RESULT_HEADERS.nextPageToken) ?? undefined;
    const isComplete = headers.get(RESULT_HEADERS.complete) === 'true';
    return { text, isComplete, ...(nextPageToken !== undefined && { nextPageToken }) };
  };

  async function* pages(): AsyncGenerator<ResultsPage> {
    let place = options.pageToken;
    let isOver = false;
    const look = async (): Promise<ResultsPage> => {
      const page = await readPage(place);
      isOver = page.isComplete || (!follow && page.nextPageToken === place);
      place = page.nextPageToken;
      return page;
    };
    while (!isOver) yield await waitUntil(look, ({ text }) => !follow || isOver || text !== '', { signal, intervalMs });
  }

  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { text } of pages()) for (const line of linesOf(text)) yield JSON.parse(line) as ResultRow; // The server's own rows.
    },
  };
}

/** Without a list of all of them. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0, end = text.indexOf('\n'); end !== -1; start = end + 1, end = text.indexOf('\n', start))
    yield text.slice(start, end);
}
