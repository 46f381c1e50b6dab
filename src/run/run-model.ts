/** What `boatload run` sends its rows to: found out before anything is begun, opened when the first row needs it. */

import type { Log } from '../base/log.ts';
import { Problem } from '../base/problem.ts';
import type { RunRequest, RunView } from '../cli/doors.ts';
import { makeName, toModelId } from '../contract/names.ts';
import { ECHO_MODEL, makeEchoEngine } from '../engines/echo.ts';
import type { Engine } from '../engines/engine.ts';
import { findModelFile, SHIPPED_MODELS } from '../engines/model-file.ts';
import { openUpstream } from '../engines/upstream.ts';
import { readLoading } from '../settings/read-limits.ts';
import type { OpenedModel, ShelvedModel } from '../shelf/model-shelf.ts';

/** Who is to answer. */
type Wish = Pick<RunRequest, 'model' | 'engine' | 'apiKey'>;

export interface RunModelOptions {
  readonly account: string;
  readonly view: RunView;
  readonly stop: AbortSignal;
  /** Called when an engine is opened: the run's folder, where the log lives, is made after the model was found. */
  readonly log: () => Log;
}

/** Refuses what can be seen to be wrong; nothing is opened yet. */
export async function chooseModel(request: Wish, options: RunModelOptions): Promise<ShelvedModel> {
  if (request.engine === 'echo')
    return shelve('echo', options, async () => ({
      engine: makeEchoEngine({}),
      model: { ...ECHO_MODEL, id: request.model ?? 'echo' },
    }));
  if (request.engine !== undefined) return chooseUpstream(request, request.engine, options);
  if (request.model === 'echo') return shelve('echo', options, async () => ({ engine: makeEchoEngine({}), model: ECHO_MODEL }));
  if (request.model === undefined) throw noModel();
  return chooseFile(request.model, options);
}

async function chooseUpstream(request: Wish, baseUrl: string, options: RunModelOptions): Promise<ShelvedModel> {
  const engine = openUpstream({ baseUrl, ...(request.apiKey === undefined ? {} : { apiKey: request.apiKey }) });
  try {
    const models = await engine.models();
    const model = request.model === undefined ? models[0] : models.find(({ id }) => id === request.model);
    if (model === undefined || (request.model === undefined && models.length > 1))
      throw unknownModel(
        request.model,
        engine.name,
        models.map(({ id }) => id),
      );
    return shelve(model.id, options, async () => ({ engine, model }));
  } catch (cause) {
    await engine.close();
    throw cause;
  }
}

async function chooseFile(model: string, options: RunModelOptions): Promise<ShelvedModel> {
  const find = () =>
    findModelFile(model, {
      mayDownload: (address) => options.view.askDownload(`The model ${address} is not here yet. Download it?`),
      onProgress: ({ bytes, totalBytes }) => options.view.busy({ what: '↓ model', bytes, totalBytes }),
      signal: options.stop,
    });
  // An address is only looked up once the input is known to be good; anything else must be here now.
  const name = model.startsWith('hf:') ? model : (await find()).name;
  return shelve(name, options, async () => {
    const { openEmbeddedEngine } = await import('../engines/embedded/open-embedded.ts');
    const file = await find();
    const engine = await openEmbeddedEngine({
      modelPath: file.path,
      modelId: file.name,
      log: options.log(),
      ...readLoading(process.env),
    });
    const [model = { id: file.name }] = await engine.models();
    return { engine, model };
  });
}

function shelve(name: string, { account, view }: RunModelOptions, open: () => Promise<OpenedModel>): ShelvedModel {
  return {
    name: makeName(account, 'models', toModelId(name)),
    served: true,
    precision: 'PRECISION_UNSPECIFIED',
    async open() {
      const began = performance.now();
      const opened = await open();
      view.engineReady({ ...factsOf(opened.engine, opened.model.contextLength), ms: performance.now() - began });
      return opened;
    },
  };
}

const factsOf = ({ name, slots }: Engine, contextLength: number | undefined) => ({
  name,
  ...(slots === undefined ? {} : { slots }),
  ...(contextLength === undefined ? {} : { contextLength }),
});

const noModel = (): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `Say which model shall answer: --model with one of ${SHIPPED_MODELS.join(', ')}, the path of a .gguf file or an address like hf:Qwen/Qwen3-0.6B-GGUF:Q8_0; or --engine with the URL of a server; or --engine echo to try the file without a model.`,
    { reason: 'MODEL_REQUIRED' },
  );

const unknownModel = (asked: string | undefined, engine: string, there: readonly string[]): Problem =>
  new Problem(
    asked === undefined ? 'INVALID_ARGUMENT' : 'NOT_FOUND',
    `${asked === undefined ? `${engine} serves more than one model, or none` : `${engine} does not serve "${asked}"`}. Choose one with --model; it serves: ${there.join(', ') || 'none'}.`,
    { reason: 'UNKNOWN_MODEL', details: { models: there } },
  );
