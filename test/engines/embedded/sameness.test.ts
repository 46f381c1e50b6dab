/** An answer hangs on its row alone, not on the rows beside it. */
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { readTickets, TICKETS_MODEL } from '../../support/models.ts';
import { askOne } from './ask.ts';

const TOGETHER = 16;

const openEngine = (): Promise<Engine> =>
  openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: TOGETHER, contextSize: 512, threads: 1 });

/** Far beyond the end of the model's own answer, where likelihoods are close to each other. */
const body = (index: number) => ({
  ...readTickets()[index]?.body,
  model: 'tickets',
  temperature: 0,
  ignore_eos: true,
  response_format: undefined,
  max_tokens: 60,
});
const write = async (engine: Engine, index: number): Promise<string> => (await askOne(engine, body(index))).message.content;

test('greedy rows alone and in a batch of 16 give the same text', async () => {
  // One for each half: neither finds prompts that the other has evaluated.
  const [quiet, busy] = await Promise.all([openEngine(), openEngine()]);
  onTestFinished(async () => void (await Promise.all([quiet.close(), busy.close()])));
  const alone: string[] = [];
  for (let index = 0; index < TOGETHER; index++) alone.push(await write(quiet, index));
  const together = await Promise.all(alone.map((_, index) => write(busy, index)));
  expect(together).toEqual(alone);
  expect(new Set(alone).size).toBeGreaterThan(TOGETHER / 2);
});
