/** Lists: walk over all of it with `for await`, or page by page. */
import type { CallOptions, Query, Transport } from './transport.ts';

/** What every list can be asked. */
export interface ListOptions extends CallOptions {
  /** Default 50, at most 200. */
  readonly pageSize?: number | undefined;
  /** An AIP-160 filter, such as `state = "RUNNING"`. Default: all. */
  readonly filter?: string | undefined;
  /** Fields, comma-separated, ` desc` after one that goes down. Default: the server's order. */
  readonly orderBy?: string | undefined;
  /** Fields to answer, comma-separated. Default: all. */
  readonly readMask?: string | undefined;
}

/** A part of a list. */
export interface Page<T> {
  readonly entries: readonly T[];
  /** How many there are over all pages. */
  readonly totalSize: number;
  readonly isLast: boolean;
}

/** A list, asked for as far as it is walked. */
export interface Listing<T> extends AsyncIterable<T> {
  pages(): AsyncIterable<Page<T>>;
}

/** Where a list is, and how its reply names what is in it. */
export interface ListPlace {
  readonly path: string;
  readonly collection: string;
  /** The reply's field with their number over all pages; default `totalSize`. */
  readonly total?: string;
  readonly query?: Query;
}

/** Makes a list; nothing is asked before it is walked. */
export function makeListing<T>(transport: Transport, place: ListPlace, { signal, ...options }: ListOptions = {}): Listing<T> {
  async function* pages(): AsyncGenerator<Page<T>> {
    let pageToken: string | undefined;
    do {
      const query = { ...place.query, ...options, pageToken };
      const reply = await transport.request<Readonly<Record<string, unknown>>>({
        method: 'GET',
        path: place.path,
        query,
        signal,
      });
      pageToken = reply['nextPageToken'] ? String(reply['nextPageToken']) : undefined;
      const entries = (reply[place.collection] ?? []) as readonly T[]; // The reply is named after the collection.
      yield { entries, totalSize: Number(reply[place.total ?? 'totalSize'] ?? entries.length), isLast: pageToken === undefined };
    } while (pageToken !== undefined);
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { entries } of pages()) yield* entries;
    },
  };
}
