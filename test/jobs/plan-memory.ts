/** Plans as many rows as the command line says, made on the fly, and writes what that took: `node plan-memory.ts 200000`. */
import { cutShards } from '../../src/jobs/cut-shards.ts';
import { orderRows } from '../../src/jobs/order-rows.ts';
import { encodePlan } from '../../src/jobs/plan-file.ts';
import { readPlan } from '../../src/jobs/read-plan.ts';

const COUNT = Number(process.argv[2]);
const CHUNK_BYTES = 64 * 1024;

async function* chunks(): AsyncGenerator<Buffer> {
  let text = '';
  for (let row = 0; row < COUNT; row++) {
    const question = `Which of the towns in group ${row % 1000} is meant, and how many people live in it today? Answer in one short sentence, please.`;
    text += `{"custom_id":"request-${row}","body":{"messages":[{"role":"user","content":"${question} ${row}"}],"max_tokens":64}}\n`;
    if (text.length < CHUNK_BYTES && row < COUNT - 1) continue;
    yield Buffer.from(text);
    text = '';
    // As a file would: the next chunk comes in another turn of the loop.
    await new Promise(setImmediate);
  }
}

const maxRss = () => process.resourceUsage().maxRSS * 1024;

const before = maxRss();
const readAt = () => Promise.reject(new Error('Nothing is to be read again.'));
const { rows, badLines, bytes } = await readPlan(chunks(), { readAt, bareRows: false, systemPrompt: false });
const afterReading = maxRss();
const order = orderRows(rows);
const shards = cutShards(rows, order, { maxRows: 256, maxBytes: 4_000_000 });
let planBytes = 0;
for (const block of encodePlan(rows, order)) planBytes += block.length;
const growth = { reading: afterReading - before, all: maxRss() - before };
console.log(
  JSON.stringify({ rows: order.length, bad: badLines.count, bytes, planBytes, shards: shards.length, peak: maxRss(), growth }),
);
