/**
 * How much of the prompts engines find in their prefix caches when rows run in Boatload's order, beside the order of a shuffled input, beside rows sorted by
 * their system prompt alone, and beside the most that is possible: every block evaluated once. Real files through the real planner; the engines are simulated
 * (bench/simulator/prefix-engine.ts describes their model of time). Everything is a quarter of its natural size, caches included.
 *
 *   node bench/prefix.ts [--tiny]
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { cutShards } from '../src/jobs/cut-shards.ts';
import { orderRows } from '../src/jobs/order-rows.ts';
import { readPlan } from '../src/jobs/read-plan.ts';
import { Stretches } from '../src/jobs/stretches.ts';
import { DEFAULT_WORKER_LIMITS } from '../src/worker/worker-context.ts';
import { BLOCK_TOKENS, type Blocks } from './simulator/prefix-cache.ts';
import { runPrefixes } from './simulator/prefix-engine.ts';
import { makeRandom, type Random } from './simulator/random.ts';

/** What English text has. */
const TOKEN_BYTES = 4;
const IN_FLIGHT = 64;
const LIMITS = DEFAULT_WORKER_LIMITS;
const CACHES = [16, 64].map((thousands) => thousands * 1_024);

interface Row {
  readonly system: string;
  readonly user: string;
}

const WORDS = 'harbour vessel cargo anchor current lantern compass sailor rope deck storm island chart signal keel mast'.split(
  ' ',
);

function text(random: Random, tokens: number): string {
  let made = '';
  while (made.length < tokens * TOKEN_BYTES)
    made += `${WORDS[Math.floor(random() * WORDS.length)]}${Math.floor(random() * 100)} `;
  return made.slice(0, tokens * TOKEN_BYTES);
}

const times = <T>(count: number, make: (place: number) => T): T[] => Array.from({ length: count }, (_, place) => make(place));

type Make = (random: Random) => readonly Row[];

const SETS: Readonly<Record<string, Make>> = {
  '50 documents × 40 questions': (random) =>
    times(50, () => text(random, 1_000)).flatMap((document) =>
      times(40, () => ({ system: '', user: document + text(random, 24) })),
    ),
  '1,500 documents × 8 questions': (random) =>
    times(1_500, () => text(random, 650)).flatMap((document) =>
      times(8, () => ({ system: '', user: document + text(random, 12) })),
    ),
  'nested: 4 systems × 150 documents × 3 examples × 5': (random) =>
    times(4, () => text(random, 200)).flatMap((system) =>
      times(150, () => text(random, 320)).flatMap((document) =>
        times(3, () => text(random, 64)).flatMap((examples) =>
          times(5, () => ({ system, user: document + examples + text(random, 24) })),
        ),
      ),
    ),
  '20 templates × 600': (random) =>
    times(20, () => text(random, 300)).flatMap((system) => times(600, () => ({ system, user: text(random, 50) }))),
  'nothing shared': (random) => times(6_000, () => ({ system: '', user: text(random, 300) })),
};

function shuffle<T>(values: readonly T[], random: Random): T[] {
  const shuffled = [...values];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T]; // both places exist
  }
  return shuffled;
}

/** A prompt as an engine sees it. */
function toBlocks({ system, user }: Row): Blocks {
  const prompt = `${system}\n${user}`;
  const bytes = BLOCK_TOKENS * TOKEN_BYTES;
  let before: Buffer = Buffer.alloc(0);
  return times(Math.ceil(prompt.length / bytes), (place) => {
    before = createHash('md5')
      .update(before)
      .update(prompt.slice(place * bytes, (place + 1) * bytes))
      .digest();
    return before.readUIntBE(0, 6);
  });
}

/** The shards that Boatload cuts the rows into, in the order of its plan. */
async function planShards(rows: readonly Row[]): Promise<readonly Uint32Array[]> {
  const lines = rows.map(({ system, user }, row) => {
    const messages = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content: user }];
    return `${JSON.stringify({ custom_id: `row-${row}`, body: { messages, max_tokens: 64 } })}\n`;
  });
  const file = Buffer.from(lines.join(''));
  const readAt = async (offset: number, length: number) => file.subarray(offset, offset + length);
  const { rows: index, badLines } = await readPlan(Readable.from([file]), { readAt, bareRows: false, systemPrompt: false });
  if (badLines.count > 0) throw new Error('The benchmark made a bad file.');
  const order = orderRows(index);
  const shards = cutShards(index, order, { maxRows: LIMITS.shardRows, maxBytes: LIMITS.shardBytes });
  return shards.map(({ first, count }) => order.subarray(first, first + count));
}

/** A row for whichever engine asks first. */
function inOrder(rows: Iterable<number>): () => number | undefined {
  const left = rows[Symbol.iterator]();
  return () => left.next().value;
}

/** As a worker deals them out: of so many shards at a time, the next as soon as one has no row left. */
function dealOut(shards: readonly Uint32Array[]): (engine: number) => number | undefined {
  const stretches = new Stretches<number, { readonly row: number; readonly of: { left: number } }>();
  const waiting = [...shards];
  const open = (): void => {
    const shard = waiting.shift();
    const of = { left: shard?.length ?? 0 };
    stretches.add(Array.from(shard ?? [], (row) => ({ row, of })));
  };
  for (let place = 0; place < LIMITS.openShards; place++) open();
  return (engine) => {
    const taken = stretches.take(engine);
    if (taken === undefined) return undefined;
    taken.of.left -= 1;
    if (taken.of.left === 0) open();
    return taken.row;
  };
}

const bySystem = (rows: readonly Row[]): readonly number[] =>
  [...rows.keys()].toSorted((a, b) => {
    const [one, other] = [rows[a]?.system ?? '', rows[b]?.system ?? ''];
    if (one === other) return a - b;
    return one < other ? -1 : 1;
  });

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(8);

const isTiny = process.argv.includes('--tiny');

for (const [title, make] of Object.entries(SETS).slice(0, isTiny ? 1 : undefined)) {
  const rows = shuffle(make(makeRandom(7)), makeRandom(11));
  const blocks = rows.map(toBlocks);
  const most = 1 - new Set(blocks.flat()).size / blocks.reduce((sum, { length }) => sum + length, 0);
  const shards = await planShards(rows);
  console.log(`\n${title}: ${rows.length.toLocaleString('en')} rows, at most ${percent(most).trim()} can be cached`);
  for (const engines of [1, 4])
    for (const cacheTokens of CACHES) {
      const run = (next: (engine: number) => number | undefined) =>
        runPrefixes({ next: (engine) => blocks[next(engine) ?? -1], engines, inFlight: IN_FLIGHT, cacheTokens });
      const [shuffled, system, boatload] = [run(inOrder(rows.keys())), run(inOrder(bySystem(rows))), run(dealOut(shards))];
      console.log(
        [
          `  ${engines} engine${engines === 1 ? ' ' : 's'}, ${cacheTokens / 1_024}K tokens each:`,
          `shuffled ${percent(shuffled.cachedShare)}`,
          `by system prompt ${percent(system.cachedShare)}`,
          `Boatload ${percent(boatload.cachedShare)} = ${most === 0 ? '–' : (boatload.cachedShare / most).toFixed(3)} of the most`,
          `job time ÷ ${(shuffled.seconds / boatload.seconds).toFixed(2)} (shuffled), ÷ ${(system.seconds / boatload.seconds).toFixed(2)} (by system prompt)`,
        ].join('   '),
      );
    }
}
