/** Deployed models on the wire: models that are served at the moment. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { Flag, readOnly, Timestamp } from './json.ts';

/** A deployed model as it is answered. */
export const DeployedModel = z
  .object({
    name: z.string().describe('`accounts/{account}/deployedModels/{id}`; the id is that of the model'),
    displayName: z.string().describe('Always empty'),
    description: z.string().describe('Always empty'),
    createTime: Timestamp.nullable().describe('Always null: engines come and go without a record'),
    updateTime: Timestamp.nullable().describe('Always null'),
    model: z.string().describe('Full name of the model'),
    deployment: z.string().describe('Always empty: engines are no resources here'),
    default: z.boolean().describe('Always true: each model is served in one way'),
    state: z.literal('DEPLOYED').describe('What is not served is not in the list'),
    serverless: z.boolean().describe('Always true: nobody waits for a deployment of their own'),
    status: Status,
    public: z.boolean().describe('True when every account may use it'),
  })
  .meta({ id: 'DeployedModel', description: 'A model that engines serve at the moment' });
export type DeployedModel = z.output<typeof DeployedModel>;

const settable = {
  deployment: z.string().optional().describe('Not offered; must be empty'),
  displayName: z.string().optional().describe('Accepted; not kept'),
  description: z.string().optional().describe('Accepted; not kept'),
  default: z.boolean().optional().describe('Accepted; each model is served in one way'),
  public: z.boolean().optional().describe('Accepted; what a model says of itself holds'),
  ...readOnly('name', 'createTime', 'updateTime', 'state', 'status', 'serverless'),
};

/** Body of a create. */
export const LoadModelRequest = z
  .strictObject({ model: z.string().describe('Full name or bare id of the model'), ...settable })
  .meta({ id: 'LoadModelRequest', description: 'A model that is to be served' });

/** Query of a create. */
export const LoadModelQuery = z.object({
  replaceMergedAddon: Flag.optional().describe('Accepted; addons are merged nowhere here'),
});

/** Body of an update. */
export const UpdateDeployedModelRequest = z
  .strictObject({ model: z.string().optional().describe('Not changed'), ...settable })
  .meta({ id: 'UpdateDeployedModelRequest', description: 'What is to change; not offered' });
