import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { lockModel } from '../db/queries/lock-model.ts';
import { updateModel } from '../db/queries/update-model.ts';
import type { Caller, Context } from './context.ts';
import { getModel } from './get-model.ts';

/** What is meant when nothing is said. */
const USUAL: Precision = 'FP8';

/** Notes that a model may be served in a further precision; the engine that serves it converts. Its own stays. */
export async function prepareModel(
  context: Context,
  caller: Caller,
  { id, precision = 'PRECISION_UNSPECIFIED' }: { readonly id: string; readonly precision?: Precision | undefined },
): Promise<void> {
  const { record, served } = await getModel(context, caller, { account: caller.accountId, id });
  const wanted = precision === 'PRECISION_UNSPECIFIED' ? USUAL : precision;
  if (record === undefined) {
    if (served?.precision === wanted) return;
    throw servedAsItIs(id, served?.precision);
  }
  // What files make is served as the files are.
  if (served !== undefined && served.precision !== 'PRECISION_UNSPECIFIED') {
    const { precision: own, precisions = [own] } = served;
    if (precisions.includes(wanted)) return;
    throw servedAsItIs(id, precisions.join(', '));
  }
  await context.store.db.transaction().execute(async (tx) => {
    const model = await lockModel(tx, record);
    if (model?.state !== 'READY') throw notReady(id);
    const precisions = [...new Set([...model.precisions, wanted])];
    await updateModel(tx, model.uid, { precisions, updatedAt: context.clock.now() });
  });
}

const notReady = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Model "${id}" is not READY: upload its files first, then :validateUpload.`, {
    reason: 'MODEL_NOT_READY',
  });

const servedAsItIs = (id: string, precision = 'the precision of its engine'): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Model "${id}" is served in ${precision}; for another one, set that up at its engine, or make a model with a file in it, too.`,
    {
      reason: 'PRECISION_NOT_SERVED',
    },
  );
