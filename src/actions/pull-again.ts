/** A pull of a model that is there already, or on its way: it goes on, or brings it in a further precision. */
import { Problem } from '../base/problem.ts';
import { dropModelFiles } from '../db/queries/drop-model-files.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import { lockModel } from '../db/queries/lock-model.ts';
import { setPull } from '../db/queries/set-pull.ts';
import type { Model, ModelFile, ModelPull, PulledFile } from '../db/schema.ts';
import { isAddon } from './check-model.ts';
import type { Context } from './context.ts';
import type { ModelSource } from './model-sources.ts';

/** Whether its files are being brought. */
export const isUnderWay = ({ pull }: Pick<Model, 'pull'>): boolean => pull?.state === 'PULLING' || pull?.state === 'CHECKING';

/** The model as it is then. What is there stays as it is, and what a job gets without asking, too; refused is what would make another model of it. */
export async function pullAgain({ store, objects }: Context, known: Model, source: ModelSource): Promise<Model> {
  const { model, dropped } = await store.db.transaction().execute(async (tx) => {
    const now = await lockModel(tx, known);
    if (now?.pull == null || isAddon(now.kind) || !isOneModel(now.pull, source)) throw otherModel(known.id);
    const files = await listModelFiles(tx, now);
    const isThere = source.files.every(({ name }) => isServed(files, name));
    const isComing = source.files.every(({ url }) => now.pull?.files.some((file) => file.url === url));
    if (isThere || (isUnderWay(now) && isComing)) return { model: now, dropped: [] };
    if (isUnderWay(now)) throw underWay(known.id);
    const pull = withFiles(now.pull, source, files);
    await setPull(tx, now.uid, pull);
    const wanted = source.files.map(({ name }) => name);
    return { model: { ...now, pull }, dropped: await dropModelFiles(tx, now, wanted) };
  });
  await objects.delete(dropped);
  return model;
}

/** The same files as before, or others of the same entry of the catalogue. */
function isOneModel({ files: before }: ModelPull, { entry, files }: ModelSource): boolean {
  if (entry !== undefined) return before.every(({ name }) => entry.files.some((file) => file.name === name));
  return toUrls(before) === toUrls(files);
}

/** As at its beginning, held by nobody. Why it failed before says what of it is good for nothing. */
function withFiles(before: ModelPull, { files: wanted }: ModelSource, files: readonly ModelFile[]): ModelPull {
  const { holder: _, heldUntil: __, ...pull } = before;
  const [largest] = files.filter(({ name }) => isServed(files, name)).toSorted((one, other) => other.bytes - one.bytes);
  const usual = pull.usual ?? largest?.name;
  const served = pull.files.filter(({ name }) => isServed(files, name) && wanted.every((file) => file.name !== name));
  return { ...pull, files: [...served, ...wanted], state: 'PULLING', message: '', bytes: 0, totalBytes: null, usual };
}

/** Whether a file of this name is there, and engines run it. */
export const isServed = (files: readonly ModelFile[], name: string): boolean =>
  files.some((file) => file.name === name && file.precision !== null);

const toUrls = (files: readonly PulledFile[]): string => files.map(({ url }) => url).join(' ');

/** The refusal of a name that is taken. */
export const otherModel = (id: string): Problem =>
  new Problem('ALREADY_EXISTS', `There is another model "${id}" already. Choose another name, or delete that model first.`, {
    reason: 'MODEL_EXISTS',
    details: { modelId: id },
  });

const underWay = (id: string): Problem =>
  new Problem('ABORTED', `Model "${id}" is being fetched in another precision. Ask again when that is over.`, {
    reason: 'PULL_UNDER_WAY',
    details: { modelId: id },
  });
