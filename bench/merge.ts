/**
 * What does putting results into the order of the input cost beside copying the same bytes one after the other, and how much memory? Parts as a job leaves them,
 * on the disk store; each step is a process of its own, and the merged file is compared with what it must be. The goal is half the speed of the copy, and
 * memory that does not grow with the job.
 *
 *   node bench/merge.ts [gigabytes, default 8] [rounds, default 1]        needs four times as much room in the folder for temporary files
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StoredPart } from '../src/db/queries/list-parts.ts';
import { openDiskStore } from '../src/storage/disk.ts';
import { mergeParts } from '../src/worker/merge-parts.ts';
import { openOutputFile } from '../src/worker/output-file.ts';
import { hashMerged, LINE_BYTES, makeParts, type Order, rowsOf } from './merge/parts.ts';

const GOAL = 0.5;
const ORDERS: readonly Order[] = ['input', 'prefix'];
const STEPS = { make, copy, merge };
type Step = keyof typeof STEPS;

/** What a step says of itself. */
interface Told {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly sha256: string;
}

interface Place {
  readonly dir: string;
  readonly rows: number;
  readonly order: Order;
}

const openObjects = ({ dir }: Place) => openDiskStore(join(dir, 'objects'));

/** A line for each object. */
async function* readParts({ dir }: Place): AsyncGenerator<readonly StoredPart[]> {
  for await (const line of createInterface({ input: createReadStream(join(dir, 'parts.jsonl')) }))
    yield JSON.parse(line) as StoredPart[]; // written by `make`
}

async function make(place: Place): Promise<string> {
  const list = await open(join(place.dir, 'parts.jsonl'), 'w');
  for await (const parts of makeParts(await openObjects(place), place.rows, place.order))
    await list.write(`${JSON.stringify(parts)}\n`);
  await list.close();
  return '';
}

/** The yardstick: the same objects into one, as they come, as safely on disk. */
async function copy(place: Place): Promise<string> {
  const objects = await openObjects(place);
  async function* all(): AsyncGenerator<Uint8Array> {
    for await (const [part] of readParts(place)) if (part !== undefined) yield await objects.read(part.objectKey);
  }
  await objects.putStream('copy', all());
  await objects.delete(['copy']);
  return '';
}

async function merge(place: Place): Promise<string> {
  const objects = await openObjects(place);
  const file = openOutputFile(objects, { jobUid: 'merge', name: 'results.jsonl' });
  const options = {
    objects,
    parts: readParts(place),
    bytes: place.rows * LINE_BYTES,
    rowCount: place.rows,
    scratchDir: join(place.dir, 'scratch'),
  };
  for await (const slice of mergeParts(options)) await file.write(slice);
  const { sha256, objectKey } = await file.end();
  await objects.delete([objectKey]);
  return sha256;
}

async function tell(step: Step, place: Place): Promise<Told> {
  const began = performance.now();
  const sha256 = await STEPS[step](place);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    seconds: (performance.now() - began) / 1e3,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMb: maxRSS / 1024,
    sha256,
  };
}

/** A process of its own: what another step has left in memory is not counted. */
async function run(step: Step, place: Place): Promise<Told> {
  const args = [fileURLToPath(import.meta.url), '--step', step, JSON.stringify(place)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${step} ended with ${code}.`);
  return JSON.parse(text) as Told; // told by `tell`
}

async function compare(order: Order, rows: number, rounds: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-merge-'));
  try {
    const place = { dir, rows, order };
    await run('make', place);
    const expected = hashMerged(rows);
    for (let round = 0; round < rounds; round++) {
      const [copied, merged] = [await run('copy', place), await run('merge', place)];
      if (merged.sha256 !== expected) throw new Error(`The merged file of the order "${order}" is not what it should be.`);
      const ratio = copied.seconds / merged.seconds;
      const verdict = ratio >= GOAL ? 'met' : 'MISSED';
      console.log(
        `planned by ${order}: copy ${copied.seconds.toFixed(1)} s, merge ${merged.seconds.toFixed(1)} s (${merged.cpuSeconds.toFixed(1)} s of CPU, peak ${merged.peakMb.toFixed(0)} MB): ` +
          `${ratio.toFixed(2)} × the speed of the copy (goal ${GOAL}: ${verdict})`,
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const [first = '8', second = '1', third = ''] = process.argv.slice(2);
if (first === '--step')
  console.log(JSON.stringify(await tell(second as Step, JSON.parse(third)))); // our own arguments
else for (const order of ORDERS) await compare(order, rowsOf(Number(first) * 1e9), Number(second));
