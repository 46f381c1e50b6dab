import { open } from 'node:fs/promises';
import { Problem } from '../base/problem.ts';
import { findModelFile, SHIPPED_MODELS } from '../engines/model-file.ts';
import { fault, toFault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

const GGUF = 'GGUF';

/** Whether the files of the models that it would serve are here, and are models. Nothing is downloaded. */
export async function checkModels({ models }: Patient): Promise<readonly Observation[]> {
  const files = [...new Set([...SHIPPED_MODELS, ...models.filter((model) => model !== 'echo')])];
  const seen = await Promise.all(files.map(checkModel));
  const complaints = seen.filter((observation) => observation !== undefined);
  return complaints.length > 0 ? complaints : [well(`${files.join(', ')} and echo are here`, { models: [...files, 'echo'] })];
}

async function checkModel(model: string): Promise<Observation | undefined> {
  const details = { model };
  try {
    const { path } = await findModelFile(model, {
      mayDownload: async () => false,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    if ((await readStart(path)) === GGUF) return undefined;
    return fault({
      code: 'MODEL_FILE_INVALID',
      message: `${path} is no GGUF model: such a file begins with "GGUF".`,
      remedy: 'Convert the model, get the file again, or name another one.',
      details: { ...details, path },
    });
  } catch (cause) {
    if (cause instanceof Problem && cause.reason === 'DOWNLOAD_DECLINED')
      return warning({
        code: 'MODEL_NOT_HERE',
        message: `${model} is not here yet: the server downloads it when it starts.`,
        remedy: 'Nothing, where it may reach the internet; else bring the .gguf file, and name that.',
        details,
      });
    return toFault(cause);
  }
}

async function readStart(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(GGUF.length) });
  return buffer.toString('latin1', 0, bytesRead);
}
