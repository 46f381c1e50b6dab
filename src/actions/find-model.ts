import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import type { Caller, Context } from './context.ts';
import type { RegisteredModel } from './model-registry.ts';

/** The model that a job is to run on. Refuses at once what would otherwise wait for ever: no such model, no engine, another precision. */
export const findModel = (
  { models }: Context,
  { accountId }: Caller,
  wish: { name: string; precision?: Precision | undefined },
): RegisteredModel => {
  const model = models.resolve(wish.name, accountId);
  if (model === undefined) throw unknownModel(wish.name, models.list(accountId));
  if (!model.served) throw notServed(model);
  const { precision = 'PRECISION_UNSPECIFIED' } = wish;
  if (precision !== 'PRECISION_UNSPECIFIED' && precision !== model.precision) throw otherPrecision(model, precision);
  return model;
};

const unknownModel = (name: string, known: readonly RegisteredModel[]): Problem => {
  const names = known.map((model) => model.name);
  const offer = names.length === 0 ? 'There are no models yet.' : `There is: ${names.join(', ')}.`;
  return new Problem('NOT_FOUND', `resource not found: model "${name.slice(0, 200)}". ${offer}`, {
    reason: 'MODEL_NOT_FOUND',
    details: { models: names },
  });
};

const notServed = ({ name }: RegisteredModel): Problem =>
  new Problem('FAILED_PRECONDITION', `No engine serves ${name} at the moment. Start one that does, then create the job again.`, {
    reason: 'MODEL_NOT_SERVED',
  });

const otherPrecision = ({ name, precision }: RegisteredModel, wanted: Precision): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `${name} is served in ${precision}, not in ${wanted}. Leave precision out to take what is served.`,
    {
      reason: 'PRECISION_NOT_SERVED',
    },
  );
