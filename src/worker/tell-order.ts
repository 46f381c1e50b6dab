/** Says on a job's timeline what its order should gain in engines' prefix caches, and in the end what the engines say it has gained. */
import { addEventOnce } from '../db/queries/add-event-once.ts';
import { listLatestEvents } from '../db/queries/list-latest-events.ts';
import { sumProgress } from '../db/queries/sum-progress.ts';
import type { ChosenOrder } from '../jobs/order-rows.ts';
import type { WorkerContext } from './worker-context.ts';

const CHOSEN = 'prefix-order';
const GAINED = 'prefix-gain';

type Room = Pick<WorkerContext, 'store' | 'clock'>;

/** Nothing where the rows' prompts have nothing in common. */
export async function tellOrder({ store, clock }: Room, jobUid: string, { by, shares }: ChosenOrder): Promise<void> {
  const { prefix, input } = shares;
  if (by === 'input' && input === 0) return;
  const message =
    by === 'prefix'
      ? `Rows whose prompts begin alike run one after the other: engines with a prefix cache should find at least ${percent(prefix)} of the prompts in it, in the order of the input ${percent(input)}.`
      : `Rows run in the order of the input: engines with a prefix cache should find at least ${percent(input)} of the prompts in it, and no other order would let them find much more.`;
  const details = { order: by, expectedShare: by === 'prefix' ? prefix : input, inputOrderShare: input };
  await addEventOnce(store.db, { jobUid, at: clock.now(), kind: CHOSEN, message, details });
}

/** Of a job whose order was told. */
export async function tellGain({ store, clock }: Room, jobUid: string): Promise<void> {
  const chosen = (await listLatestEvents(store.db, [jobUid], [CHOSEN])).get(jobUid);
  if (chosen === undefined) return;
  const { inputTokens, cachedTokens } = await sumProgress(store.db, jobUid);
  if (inputTokens === 0) return;
  const cachedShare = cachedTokens / inputTokens;
  const expected = Number(chosen.details['expectedShare']);
  const message =
    cachedTokens > 0
      ? `Engines found ${percent(cachedShare)} of the prompts' tokens in their prefix caches; at least ${percent(expected)} of the prompts were expected.`
      : `Engines told of no prompt tokens from a prefix cache, where at least ${percent(expected)} of the prompts were expected: they keep none, or don't say (vLLM does with --enable-prompt-tokens-details).`;
  await addEventOnce(store.db, {
    jobUid,
    at: clock.now(),
    kind: GAINED,
    message,
    details: { cachedShare, expectedShare: expected },
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
