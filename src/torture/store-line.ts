/** A line to an object store that serves it badly: by chance, and the same chance again for the same seed. */
import { chanceOf, pick, type Shares } from './chance.ts';
import { type HttpLine, type LineFault, openHttpLine, type SeenRequest } from './http-line.ts';

/**
 * `500` and `503`: the store refuses, the second with a `retry-after`. `reset`: the connection dies before the request arrives. `cut-request` and
 * `cut-reply`: in the middle of a body. `lost-reply`: the request is carried out, and nobody hears so. `slow`: the first byte takes its time. `stall`: nothing
 * comes at all.
 */
export type StoreFault = '500' | '503' | 'reset' | 'cut-request' | 'cut-reply' | 'lost-reply' | 'slow' | 'stall';

/** How badly the store serves, method by method; what is not named goes well. */
export interface StorePlan {
  readonly seed: number;
  readonly faults: Readonly<Partial<Record<'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE', Shares<StoreFault>>>>;
  /** How long a slow first byte takes; default 2,000. */
  readonly slowMs?: number;
}

/** The line; `plan` may be changed at any time, and undefined lets everything through. */
export interface StoreLine {
  readonly url: string;
  plan: StorePlan | undefined;
  /** How often each fault was met. */
  readonly met: ReadonlyMap<StoreFault, number>;
  close(): Promise<void>;
}

/** Opens it in front of an S3 endpoint. Requests keep their `host`, so signatures made for the line's address hold where buckets are in the path. */
export async function openStoreLine(endpoint: string, plan?: StorePlan): Promise<StoreLine> {
  return new BadStore(await openHttpLine(endpoint.replace(/\/$/, '')), plan);
}

class BadStore implements StoreLine {
  plan: StorePlan | undefined;
  readonly met = new Map<StoreFault, number>();
  readonly #line: HttpLine;
  readonly #asked = new Map<string, number>();

  constructor(line: HttpLine, plan: StorePlan | undefined) {
    this.#line = line;
    this.plan = plan;
    line.script = (seen) => this.#decide(seen);
  }

  get url(): string {
    return this.#line.url;
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  /** The nth request of a method always meets the same. */
  #decide({ method, headers }: SeenRequest): LineFault | undefined {
    // They are for the tests of single requests; a store is asked for days.
    this.#line.seen.length = 0;
    const count = (this.#asked.get(method) ?? 0) + 1;
    this.#asked.set(method, count);
    const { plan } = this;
    const shares = plan?.faults[method as keyof StorePlan['faults']];
    if (plan === undefined || shares === undefined) return undefined;
    const chance = chanceOf(`${plan.seed} ${method} ${count}`);
    const fault = pick(shares, chance);
    if (fault === undefined) return undefined;
    this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    return toLineFault(fault, { plan, bytes: Number(headers['content-length'] ?? 0) });
  }
}

function toLineFault(fault: StoreFault, { plan, bytes }: { readonly plan: StorePlan; readonly bytes: number }): LineFault {
  switch (fault) {
    case '500':
      return { status: 500, headers: XML, body: toError('InternalError') };
    case '503':
      return { status: 503, headers: { ...XML, 'retry-after': '1' }, body: toError('SlowDown') };
    case 'reset':
      return 'before';
    case 'cut-request':
      // A request without a body is cut before it is sent.
      return bytes === 0 ? 'before' : { sent: Math.floor(bytes / 2) };
    case 'cut-reply':
      return { replied: 0.5 };
    case 'lost-reply':
      return 'after';
    case 'slow':
      return { waitMs: plan.slowMs ?? 2_000 };
    case 'stall':
      return 'stall';
  }
}

const XML = { 'content-type': 'application/xml' };

const toError = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>The store is tired.</Message></Error>`;
