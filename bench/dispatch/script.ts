/** What a user writes: read the lines, ask with the official SDK, so many at a time, append each answer. Prints seconds of wall and CPU as JSON. */
import { appendFile, readFile } from 'node:fs/promises';
import OpenAI from 'openai';

const [url = '', input = '', output = '', inFlight = '256'] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 3 });

interface Row {
  readonly custom_id: string;
  readonly body: OpenAI.ChatCompletionCreateParamsNonStreaming;
}

const began = performance.now();
const cpu = process.cpuUsage();
const rows = (await readFile(input, 'utf8'))
  .split('\n')
  .filter((line) => line !== '')
  .map((line): Row => JSON.parse(line)); // our own file
let next = 0;
async function worker(): Promise<void> {
  for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
    const answer = await client.chat.completions.create({ ...row.body, model: 'bench' });
    await appendFile(output, `${JSON.stringify({ custom_id: row.custom_id, response: answer })}\n`);
  }
}
await Promise.all(Array.from({ length: Number(inFlight) }, worker));
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ wallSeconds: (performance.now() - began) / 1e3, cpuSeconds: (user + system) / 1e6 }));
