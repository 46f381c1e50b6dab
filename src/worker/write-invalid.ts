/** Rows that can't run, in a job that lets them pass: failures that are true before the first good row runs. */
import { ClaimTally } from '../jobs/claim-tally.ts';
import { toInvalidResult } from '../jobs/invalid-result.ts';
import type { InvalidRow } from '../jobs/invalid-rows.ts';
import type { Job } from '../jobs/job.ts';
import type { PartClaim } from '../jobs/leases.ts';
import { partKey } from '../jobs/object-keys.ts';
import { encodeEntry, type PartEntry } from '../jobs/part-entries.ts';
import type { PlanReading } from '../jobs/read-plan.ts';
import type { RowModels } from '../jobs/row-models.ts';
import type { Input } from './input.ts';
import { type PlacedRow, readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

/** They are on nobody's lease. */
const EPOCH = 0;
const PART_ROWS = 10_000;
const PART_BYTES = 4 * 1024 * 1024;

export interface InvalidOptions {
  readonly job: Job;
  readonly input: Input;
  /** Those that judged the rows. */
  readonly models: RowModels;
  readonly reading: PlanReading;
}

/** Writes their failures as parts; the claims make them true, a shard each, on the plan's first positions. Run again, it writes the same. */
export async function writeInvalid(context: WorkerContext, options: InvalidOptions): Promise<readonly PartClaim[]> {
  const { job } = options;
  const claims: PartClaim[] = [];
  let part = new FailurePart(0);
  const put = async (): Promise<void> => {
    const key = partKey(job.uid, `invalid-${part.shard}`);
    await context.objects.put(key, Buffer.concat(part.bytes));
    claims.push(...part.tally.claims(job.uid, key));
    part = new FailurePart(part.shard + 1);
  };
  for await (const entry of failuresOf(context, options)) {
    part.add(entry);
    if (part.isFull) await put();
  }
  if (part.rows > 0) await put();
  return claims;
}

type Failure = Omit<PartEntry, 'shard' | 'epoch'>;

class FailurePart {
  readonly shard: number;
  readonly tally = new ClaimTally();
  readonly bytes: Buffer[] = [];
  rows = 0;
  #size = 0;

  constructor(shard: number) {
    this.shard = shard;
  }

  get isFull(): boolean {
    return this.rows >= PART_ROWS || this.#size >= PART_BYTES;
  }

  add(failure: Failure): void {
    const entry = { ...failure, shard: this.shard, epoch: EPOCH };
    const bytes = encodeEntry(entry);
    this.tally.add(entry);
    this.bytes.push(bytes);
    this.rows += 1;
    this.#size += bytes.length;
  }
}

async function* failuresOf({ bareRows }: WorkerContext, options: InvalidOptions): AsyncGenerator<Failure> {
  const { job, input, models, reading } = options;
  const { invalid, nameRow, format } = reading;
  const systemPrompt = job.settings.systemPrompt !== undefined;
  const rules = { format, bareRows, systemPrompt, endpoint: job.endpoint ?? undefined, models };
  const why = invalid[Symbol.iterator]();
  for await (const { position, row, line } of readPlaced(input, placesOf(reading))) {
    const { sameIdAs } = (why.next().value ?? {}) as Partial<InvalidRow>; // Both walk the same rows.
    const place = nameRow(row);
    const result = toInvalidResult({ line, row, place, sameIdAs: sameIdAs === undefined ? undefined : nameRow(sameIdAs) }, rules);
    yield { ...result, position, row };
  }
}

function* placesOf({ invalid, rows }: PlanReading): Generator<PlacedRow> {
  let position = 0;
  for (const { row } of invalid) {
    yield { position, row, offset: rows.offset[row] ?? 0, length: rows.length[row] ?? 0 };
    position += 1;
  }
}
