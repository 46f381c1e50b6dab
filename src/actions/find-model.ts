import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { makeName, parseName } from '../contract/names.ts';
import type { Model, ModelPull } from '../db/schema.ts';
import { checkText } from './check-text.ts';
import type { Caller, Context } from './context.ts';
import { findVisibleRecord } from './get-model.ts';
import { type ModelRegistry, type RegisteredModel, toModelAccount } from './model-registry.ts';
import { findEntry } from './model-sources.ts';

/** The model that a job is to run on. Refuses at once what would otherwise wait for ever: no such model, no engine, another precision. */
export async function findModel(
  context: Context,
  caller: Caller,
  wish: { name: string; precision?: Precision | undefined },
): Promise<RegisteredModel> {
  const { models } = context;
  checkText(wish.name);
  const model = await resolveNow(models, wish.name, caller.accountId);
  if (model === undefined) throw await whyNot(context, caller, wish.name);
  if (!model.served && !context.limits.acceptIdleModels) throw notServed(model);
  const { precision = 'PRECISION_UNSPECIFIED' } = wish;
  if (precision === 'PRECISION_UNSPECIFIED' || precision === model.precision) return model;
  if (!model.precisions?.includes(precision)) throw otherPrecision(model, precision);
  return { ...model, precision };
}

/** A model that isn't served may be by an engine that another process has just been told of. */
async function resolveNow(models: ModelRegistry, name: string, accountId: string): Promise<RegisteredModel | undefined> {
  const known = models.resolve(name, accountId);
  if (known?.served || models.refresh === undefined) return known;
  await models.refresh();
  return models.resolve(name, accountId);
}

/** A model that was uploaded and that nothing serves is known, and says so. */
const whyNot = async (context: Context, caller: Caller, name: string): Promise<Problem> => {
  const { account = caller.accountId, id } = parseName(name, 'models') ?? {};
  const record =
    id === undefined ? undefined : await findVisibleRecord(context, caller, { accountId: toModelAccount(account), id });
  if (record === undefined) return unknownModel(name, context.models.list(caller.accountId));
  if (record.state !== 'READY') return notReady(record);
  return notServed({ name: makeName(record.accountId, 'models', record.id) }, ANOTHER_ENGINE);
};

const unknownModel = (name: string, known: readonly RegisteredModel[]): Problem => {
  const names = known.map((model) => model.name);
  const offer = names.length === 0 ? 'There are no models yet.' : `There is: ${names.join(', ')}.`;
  return new Problem('NOT_FOUND', `resource not found: model "${name.slice(0, 200)}". ${offer}`, {
    reason: 'MODEL_NOT_FOUND',
    details: { models: names },
  });
};

/** It is READY, and nothing of it is GGUF. */
const ANOTHER_ENGINE =
  ' The embedded engine runs GGUF files; what this model has is for an engine, as vLLM, that loads it from its own disk and is added with boatload engine add.';

const notServed = ({ name }: Pick<RegisteredModel, 'name'>, why = ''): Problem =>
  new Problem('FAILED_PRECONDITION', `No engine serves ${name} at the moment. Start one that does, then ask again.${why}`, {
    reason: 'MODEL_NOT_SERVED',
  });

const notReady = ({ accountId, id, pull }: Model): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `${makeName(accountId, 'models', id)} is not READY: ${pull === null ? 'its files are not all here, or were not checked' : toPullWords(pull)}.`,
    { reason: 'MODEL_NOT_READY' },
  );

const toPullWords = ({ state, message }: ModelPull): string =>
  state === 'FAILED' ? `it could not be fetched: ${message}` : 'it is being fetched';

function otherPrecision({ name, precision, precisions = [precision] }: RegisteredModel, wanted: Precision): Problem {
  const id = parseName(name, 'models')?.id ?? '';
  const offered = findEntry(id)?.files.some((file) => file.precision === wanted);
  const remedy = offered ? ` It can be added: boatload model pull ${id} --precision ${wanted}.` : '';
  return new Problem(
    'FAILED_PRECONDITION',
    `${name} is served in ${precisions.join(', ')}, not in ${wanted}. Leave precision out to take ${precision}.${remedy}`,
    { reason: 'PRECISION_NOT_SERVED', details: { field: 'precision', precisions } },
  );
}
