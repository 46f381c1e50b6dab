/** How long a context a run's model will have, as far as that can be known without opening it. */
import type { RunRequest } from '../cli/doors.ts';
import { usualContext } from '../engines/embedded/capacity.ts';
import { readGgufFile } from '../engines/gguf-file.ts';
import { toGgufFacts } from '../engines/gguf-head.ts';
import { findModelFile } from '../engines/model-file.ts';

/** Undefined for models behind URLs, which nobody asks for an estimate alone, and for names that may be a price's and no file's. */
export async function findContextLength(
  { model, engine }: Pick<RunRequest, 'model' | 'engine'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (engine !== undefined || model === undefined) return undefined;
  const file = await findModelFile(model, { mayDownload: async () => false, onProgress: () => {}, signal }).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  const head = await readGgufFile(file.path).catch(() => undefined);
  const trained = head && toGgufFacts(head).contextLength;
  return trained === undefined ? undefined : usualContext(trained);
}
