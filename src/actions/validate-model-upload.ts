/** `:validateUpload` of a model: all announced files are there and make a model; then it is READY. */
import { Problem } from '../base/problem.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import { lockModel } from '../db/queries/lock-model.ts';
import { setFilePrecisions } from '../db/queries/set-file-precisions.ts';
import { updateModel } from '../db/queries/update-model.ts';
import type { Model, ModelFile } from '../db/schema.ts';
import { checkGgufFiles, type GgufFindings } from './check-gguf-files.ts';
import { CONFIG_FILES, type Configs, checkModelFiles, type Findings } from './check-model-files.ts';
import type { Caller, Context } from './context.ts';
import { getOwnRecord } from './get-model.ts';

/** What is wanted. */
export interface ValidationWish {
  readonly id: string;
  /** Looks only whether the files are there. */
  readonly skipConfigs: boolean;
  /** Leaves the model UPLOADING, whatever is found. */
  readonly configOnly: boolean;
}

/** Configuration files are small; a larger one is none. */
const MOST_CONFIG_BYTES = 32 * 1024 * 1024;

/** Answers what is odd; refuses what is wrong. Asking again is harmless. */
export async function validateModelUpload(context: Context, caller: Caller, wish: ValidationWish): Promise<readonly string[]> {
  const record = await getOwnRecord(context, caller, wish.id);
  const files = await listModelFiles(context.store.db, record);
  if (!wish.configOnly) checkAllThere(wish.id, files);
  const said = wish.skipConfigs ? { warnings: [], details: {} } : await inspect(context, record, files);
  if (wish.configOnly || (record.state !== 'UPLOADING' && !hasMore(record, files))) return said.warnings;
  const found = await checkGgufFiles(context, record, files);
  await makeReady(context, record, { ...found, details: { ...said.details, ...found.details }, files });
  await context.models.refresh?.();
  return [...said.warnings, ...found.warnings];
}

/** Whether it is READY and a file has come since. */
const hasMore = ({ pull }: Model, files: readonly ModelFile[]): boolean =>
  pull !== null && files.some(({ name, precision }) => name.endsWith('.gguf') && precision === null);

const checkAllThere = (id: string, files: readonly ModelFile[]): void => {
  const missing = files.filter(({ objectKey }) => objectKey === null).map(({ name }) => name);
  if (files.length > 0 && missing.length === 0) return;
  const what =
    files.length === 0 ? 'has no files' : `still waits for ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`;
  throw new Problem('FAILED_PRECONDITION', `Model "${id}" ${what}. Put them where :getUploadEndpoint says, then ask again.`, {
    reason: 'FILES_MISSING',
    details: { files: missing.slice(0, 100) },
  });
};

async function inspect({ objects }: Context, { kind }: Model, files: readonly ModelFile[]): Promise<Findings> {
  const configs: Partial<Record<keyof Configs, string>> = {};
  for (const name of CONFIG_FILES) {
    const file = files.find((each) => each.name === name);
    if (!file?.objectKey) continue;
    if (file.bytes > MOST_CONFIG_BYTES) throw tooLarge(name);
    configs[name] = (await objects.read(file.objectKey)).toString('utf8');
  }
  return checkModelFiles({ kind, names: files.map(({ name }) => name), configs });
}

interface Checked extends GgufFindings {
  /** What was looked at. */
  readonly files: readonly ModelFile[];
}

/** Under the lock, and only as it was checked: no file was announced or replaced meanwhile. What the owner said beats what the files say. */
const makeReady = (
  { store, clock }: Context,
  { accountId, id, uid }: Model,
  { details, precisions, files }: Checked,
): Promise<void> =>
  store.db.transaction().execute(async (tx) => {
    const model = await lockModel(tx, { accountId, id });
    if (model?.uid !== uid) return;
    const now = await listModelFiles(tx, model);
    checkAllThere(id, now);
    if (toObjects(now) !== toObjects(files)) throw changed(id);
    await updateModel(tx, model.uid, {
      state: 'READY',
      details: { ...details, ...model.details, ...(details.baseModelDetails && { baseModelDetails: details.baseModelDetails }) },
      updatedAt: clock.now(),
    });
    await setFilePrecisions(tx, model, precisions);
  });

const toObjects = (files: readonly ModelFile[]): string => JSON.stringify(files.map(({ name, objectKey }) => [name, objectKey]));

const changed = (id: string): Problem =>
  new Problem('ABORTED', `The files of model "${id}" changed while they were checked. Ask again when all are there.`, {
    reason: 'FILES_CHANGED',
  });

const tooLarge = (name: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${name} is larger than ${MOST_CONFIG_BYTES} bytes: that is no configuration file.`, {
    reason: 'INVALID_MODEL_CONFIG',
  });
