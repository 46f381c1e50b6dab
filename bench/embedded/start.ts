/** How long the embedded engine takes from nothing to the first piece of an answer, and how much memory it then has had. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startEngine } from './engine.ts';
import { peakMbOf } from './process-cost.ts';

const TICKETS = fileURLToPath(new URL('../../models/tickets', import.meta.url));

export interface Start {
  readonly firstTokenSeconds: number;
  readonly peakMb: number;
}

/** The model that Boatload ships, with what it gets by default, asked one of its sample tickets. */
export async function measureStart(): Promise<Start> {
  const [line = ''] = readFileSync(`${TICKETS}/sample.jsonl`, 'utf8').split('\n');
  const began = performance.now();
  const engine = await startEngine({ model: `${TICKETS}/tickets-q8_0.gguf` });
  try {
    const { body } = await request(`${engine.baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...JSON.parse(line).body, model: 'bench', stream: true }),
    });
    let firstTokenSeconds: number | undefined;
    for await (const piece of body)
      if (/"content":"[^"]/.test(String(piece))) firstTokenSeconds ??= (performance.now() - began) / 1e3;
    if (firstTokenSeconds === undefined) throw new Error('The engine answered without a token.');
    return { firstTokenSeconds, peakMb: peakMbOf(engine.pid) };
  } finally {
    await engine.stop();
  }
}
