/** The least that can be done: undici's dispatch in a loop, no file, nothing kept. Prints seconds of wall and CPU as JSON. */
import { Pool } from 'undici';

const [url = '', rows = '0', inFlight = '256'] = process.argv.slice(2);
const body = Buffer.from(
  JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'a'.repeat(900) }], max_tokens: 64 }),
);
// A pool looks for a free connection one by one: several small ones are faster than a large one.
const PER_POOL = 64;
const pools = Array.from(
  { length: Math.ceil(Number(inFlight) / PER_POOL) },
  () => new Pool(url, { connections: PER_POOL, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }),
);

const ask = (pool: Pool): Promise<number> =>
  new Promise((resolve, reject) => {
    let bytes = 0;
    pool.dispatch(
      { path: '/v1/chat/completions', method: 'POST', headers: ['content-type', 'application/json'], body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData(_, chunk) {
          bytes += chunk.length;
        },
        onResponseEnd: () => resolve(bytes),
        onResponseError: (_, cause) => reject(cause),
      },
    );
  });

async function run(count: number): Promise<void> {
  let left = count;
  const worker = async (pool: Pool): Promise<void> => {
    while (left-- > 0) if ((await ask(pool)) < 100) throw new Error('The upstream answered too little.');
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, (_, at) => worker(pools[at % pools.length] as Pool))); // there is one
}

await run(Math.max(5_000, Number(inFlight)));
const began = performance.now();
const cpu = process.cpuUsage();
await run(Number(rows));
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ wallSeconds: (performance.now() - began) / 1e3, cpuSeconds: (user + system) / 1e6 }));
await Promise.all(pools.map((pool) => pool.close()));
