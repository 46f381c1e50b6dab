/** The models of `boatload up`: what comes with Boatload, what the flags name, and what the named engines serve. */
import type { Log } from './base/log.ts';
import { Problem } from './base/problem.ts';
import type { UpView } from './cli/doors.ts';
import type { Precision } from './contract/job.ts';
import { makeName, PUBLIC_ACCOUNT, toModelId } from './contract/names.ts';
import { ECHO_MODEL, makeEchoEngine } from './engines/echo.ts';
import type { Loading } from './engines/embedded/loading.ts';
import { readGgufFile } from './engines/gguf-file.ts';
import { toGgufFacts } from './engines/gguf-head.ts';
import { findModelFile, SHIPPED_MODELS } from './engines/model-file.ts';
import { openUpstream } from './engines/upstream.ts';
import { readLoading } from './settings/read-limits.ts';
import type { OpenedModel, ShelvedModel } from './shelf/model-shelf.ts';
import type { Start } from './start-settings.ts';

export interface ServerModelOptions {
  readonly log: Log;
  readonly view: UpView;
}

type Wish = Pick<Start, 'models' | 'engines' | 'settings'>;

/** Refuses at once what can't be found; engines that are asked for must answer now. */
export async function chooseServerModels(
  { models, engines, settings }: Wish,
  context: ServerModelOptions,
): Promise<readonly ShelvedModel[]> {
  const options = { ...context, loading: readLoading(settings) };
  const files = [...new Set([...SHIPPED_MODELS, ...models.filter((model) => model !== 'echo')])];
  const urls = engines.filter((engine) => engine !== 'echo');
  return [
    publicModel('echo', async () => ({ engine: makeEchoEngine({}), model: ECHO_MODEL })),
    ...(await Promise.all(files.map((model) => fileModel(model, options)))),
    ...(await Promise.all(urls.map(upstreamModels))).flat(),
  ];
}

const publicModel = (name: string, open: () => Promise<OpenedModel>): ShelvedModel => ({
  name: makeName(PUBLIC_ACCOUNT, 'models', toModelId(name)),
  served: true,
  precision: 'PRECISION_UNSPECIFIED',
  open,
});

interface FileOptions extends ServerModelOptions {
  readonly loading: Loading;
}

async function fileModel(model: string, { log, view, loading }: FileOptions): Promise<ShelvedModel> {
  const file = await findModelFile(model, {
    mayDownload: async () => {
      view.notice(`${model} is not here yet: downloading it`);
      return true;
    },
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  const weights = async (): Promise<string> => file.path;
  const openEngine = async (): Promise<OpenedModel> => {
    const { openEmbeddedEngine } = await import('./engines/embedded/open-embedded.ts');
    const engine = await openEmbeddedEngine({ modelPath: file.path, modelId: file.name, log, ...loading });
    const [model = { id: file.name }] = await engine.models();
    return { engine, model };
  };
  return { ...publicModel(file.name, openEngine), weights, precision: await readPrecision(file.path) };
}

/** What can't be read is refused in words when it is opened. */
const readPrecision = (path: string): Promise<Precision> =>
  readGgufFile(path).then(
    (head) => toGgufFacts(head).precision,
    () => 'PRECISION_UNSPECIFIED',
  );

async function upstreamModels(baseUrl: string): Promise<readonly ShelvedModel[]> {
  const engine = openUpstream({ baseUrl });
  const models = await engine.models();
  if (models.length === 0)
    throw new Problem('FAILED_PRECONDITION', `The engine at ${engine.name} serves no model. Load one there first.`, {
      reason: 'ENGINE_SERVES_NOTHING',
    });
  return models.map((model) => publicModel(model.id, async () => ({ engine, model })));
}
