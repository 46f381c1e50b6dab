/** Engines on the wire: what answers the rows of jobs, shared by all processes of a server. */
import { z } from 'zod';
import { Flag, Int32, readOnly, Timestamp } from './json.ts';
import { ID_RULE } from './names.ts';

/** What an engine can be found to be. */
const ENGINE_KINDS = ['vllm', 'sglang', 'llama-server', 'ollama', 'lm-studio', 'openai-compatible'] as const;

/** How an engine is, over all processes. */
export const ENGINE_STATES = ['READY', 'BUSY', 'FAILING', 'DRAINING', 'DRAINED', 'UNKNOWN'] as const;
export type EngineState = (typeof ENGINE_STATES)[number];

const MOST_URL = 2_048;
const MOST_KEY = 4_096;
const MOST_NAME = 300;
const MOST_MODELS = 500;

const Bound = Int32.pipe(z.number().min(0).max(100_000_000));

const EngineModel = z
  .object({
    model: z.string().describe('Full name of the model, as jobs name it'),
    servedAs: z.string().describe("The engine's own name for it"),
    contextLength: z.int().nullable().describe('Tokens of prompt and answer together; null where the engine does not say'),
    capabilities: z
      .array(z.string())
      .describe('What else the engine says that it can, as `tools` or `vision`; empty where it does not'),
  })
  .meta({ id: 'EngineModel', description: 'A model that an engine serves' });

const EngineView = z
  .object({
    process: z.string().describe('Machine and process id'),
    model: z.string().describe('Full name of the model'),
    state: z.enum(['READY', 'BUSY', 'FAILING', 'DRAINING']).describe('How this process finds it'),
    reason: z.string().describe('Why it gets so many requests at once, or what is wrong'),
    limit: z.int().describe('How many requests this process would send it at once'),
    inFlight: z.int().describe('How many it works on for this process'),
    since: Timestamp.describe('Since when it has this state'),
    lastError: z.string().describe('What went wrong last; empty: nothing yet'),
    lastErrorTime: Timestamp.nullable().describe('When; null: never'),
    reportTime: Timestamp.describe('When the process said so'),
  })
  .meta({ id: 'EngineView', description: 'How one process finds one model of an engine' });

const fields = {
  displayName: z.string().max(63).describe('Label for people, fewer than 64 characters'),
  url: z
    .string()
    .min(1)
    .max(MOST_URL)
    .describe(
      'Where it is: http or https, with or without `/v1`; without a user name, a password or parameters but `api-version`',
    ),
  maxInFlight: Bound.describe('Fixes how many requests each process sends it at once for each of its models; 0: that is found'),
  requestsPerMinute: Bound.describe('The most requests a minute, of all processes together; 0: no bound'),
  tokensPerMinute: Bound.describe('The most tokens a minute, prompts included, of all processes together; 0: no bound'),
};

/** An engine as it is answered. */
export const Engine = z
  .object({
    name: z.string().describe('`accounts/{account}/engines/{id}`'),
    ...fields,
    kind: z.enum(ENGINE_KINDS).describe('What it was found to be'),
    models: z.array(EngineModel).describe('What it serves'),
    hasKey: z.boolean().describe('Whether requests to it carry a key. The key itself is never answered'),
    slots: z.int().nullable().describe('How many requests it works on at once; null where it does not say'),
    metricsUrl: z.string().describe('Where it counts what it works on, for Prometheus; empty where it does not'),
    state: z
      .enum(ENGINE_STATES)
      .describe(
        '`READY`: it answers. `BUSY`: it refuses everything for now. `FAILING`: it is lost, or refuses the key or the model. `DRAINING`: it finishes what it has, `DRAINED` when that is done. `UNKNOWN`: no process has said anything yet',
      ),
    stateReason: z.string().describe('The state in words'),
    limit: z.int().describe('How many requests it gets at once from the processes that use it'),
    inFlight: z.int().describe('How many it works on for all processes'),
    views: z.array(EngineView).describe('How each process finds it; those of other processes are some seconds old'),
    createdBy: z.string().describe('Who added it'),
    createTime: Timestamp.describe('When it was added'),
    updateTime: Timestamp.describe('When it was last changed'),
  })
  .meta({
    id: 'Engine',
    description:
      'What answers prompts: an OpenAI-compatible HTTP server. Every process of this server uses it; a change is seen within seconds. Its models belong to its account; those of the account `boatload` are for everybody',
  });
export type Engine = z.output<typeof Engine>;

const server = readOnly(
  ...(['name', 'kind', 'hasKey', 'slots', 'metricsUrl', 'state', 'stateReason', 'limit', 'inFlight'] as const),
  ...(['views', 'createdBy', 'createTime', 'updateTime'] as const),
);

const NamedModel = z
  .strictObject({
    servedAs: z.string().min(1).max(MOST_NAME).describe("The engine's own name for it"),
    model: z
      .string()
      .min(1)
      .max(MOST_NAME)
      .optional()
      .describe("Id or full name to serve it under; made from the engine's name when absent"),
    ...readOnly('contextLength', 'capabilities'),
  })
  .meta({ id: 'NamedEngineModel', description: 'A model of an engine, and how jobs name it' });

const wishes = {
  apiKey: z
    .string()
    .max(MOST_KEY)
    .regex(/^[\x21-\x7e]*$/, 'expected printable ASCII in one piece')
    .optional()
    .describe('Sent as a bearer token. Kept encrypted and never answered; empty: none'),
  models: z.array(NamedModel).min(1).max(MOST_MODELS).optional().describe('What it serves; all that it lists when absent'),
};

/** Body of a create. */
export const CreateEngineRequest = z
  .strictObject({
    url: fields.url,
    displayName: fields.displayName.optional(),
    ...wishes,
    maxInFlight: fields.maxInFlight.optional(),
    requestsPerMinute: fields.requestsPerMinute.optional(),
    tokensPerMinute: fields.tokensPerMinute.optional(),
    ...server,
  })
  .meta({ id: 'CreateEngineRequest', description: 'A new engine' });

const anyway = Flag.optional().describe(
  'Keeps it although it does not answer now, or lists other models; `models` says then what it serves',
);

/** Query of a create. */
export const CreateEngineQuery = z.object({
  engineId: z.string().optional().describe(`The new engine's id: ${ID_RULE}. Made from its address when absent`),
  anyway,
});

/** Query of an update. */
export const UpdateEngineQuery = z.object({ anyway });

/** Body of an update. */
export const UpdateEngineRequest = z
  .strictObject({
    url: fields.url.optional(),
    displayName: fields.displayName.optional(),
    ...wishes,
    maxInFlight: fields.maxInFlight.optional(),
    requestsPerMinute: fields.requestsPerMinute.optional(),
    tokensPerMinute: fields.tokensPerMinute.optional(),
    ...server,
  })
  .meta({
    id: 'UpdateEngineRequest',
    description:
      'What is to change of an engine; what is absent stays. With a new address, key or models it is asked again what it is',
  });

/** Body of `:test`. */
export const TestEngineRequest = z
  .strictObject({
    model: z.string().min(1).max(MOST_NAME).optional().describe('Which of its models to ask; the first when absent'),
  })
  .meta({ id: 'TestEngineRequest', description: 'What to try' });

/** Reply of `:test`. */
export const EngineTest = z
  .object({
    ok: z.boolean().describe('Whether it is there, lists its models and answered'),
    kind: z.enum(ENGINE_KINDS).nullable().describe('What it was found to be; null when it could not be asked'),
    models: z.array(z.string()).describe('What it lists, by its own names; empty when it could not be asked'),
    model: z.string().describe('Full name of the model that was asked; empty when none was'),
    durationMs: z.int().describe('How long the answer took, in milliseconds; 0 when there was none'),
    error: z.string().describe('What is wrong; empty when it is well'),
  })
  .meta({ id: 'EngineTest', description: 'How a try went: it was asked what it is, and one token' });
export type EngineTest = z.output<typeof EngineTest>;
